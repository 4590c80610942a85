//! The signed repository: a folder of plain files that any web server can hand out, and that devices believe only as far
//! as it is signed.
//!
//! Signatures are those of The Update Framework, through `tough`; there is no metadata format of our own. What is signed are
//! the *catalogs*, one for each channel; they name every index and bundle by digest. `docs/format/repository.md`
//! describes the layout, `docs/format/catalog.md` the catalogs.
//!
//! - Devices: a [`TrustStore`] holds the pinned root, and [`TrustStore::check`] looks for a newer catalog. It asks for files
//!   through the [`Fetch`] trait, and never trusts what it gets.
//! - Authors: [`author::init`] makes a repository; an [`author::Writer`] changes it, one release at a time, each all or
//!   nothing.
//!
//! Not here: HTTP (see `headstart-transfer`), reading bundles (see `headstart-pack`), deciding what a device downloads
//! (see `headstart-engine`). Nothing here reads the clock except `tough` while it judges dates.

pub mod author;
mod check;
mod disk;
mod error;
mod fetch;
pub mod layout;
mod load;
mod places;
mod sha256;
mod transport;
mod trust;

pub use check::{Change, Checked};
pub use error::{RepoError, Role};
pub use fetch::{AheadFetch, Fetch, FetchError, FetchRequest, Fetched, FolderFetch, Freshness};
pub use sha256::{ParseSha256Error, Sha256};
pub use trust::TrustStore;
