//! What is on the device's disk: the database, installed versions, versions that are being built, namespaces.
//!
//! Nothing here decides anything: the engine does. What is here keeps its promises when it is killed at any instant: every
//! change of truth is one transaction or one durable rename, and what a kill leaves half done is either finished or
//! recognised as rubbish when it is met again.
//!
//! - [`Database`]: the rows of the engine.
//! - [`Layout`]: where things lie below the home folder.
//! - [`Assembly`]: a version under construction: takes verified blocks and old versions, resumes after a kill.
//! - [`InstalledVersion`]: a version in place, with what is needed to reuse and to verify it; [`heal()`] mends one.
//! - [`Namespaces`]: the generations of an app's namespace and the leases on them.

#![warn(clippy::indexing_slicing, clippy::as_conversions)]

mod assembly;
mod consumed;
mod database;
mod error;
mod heal;
mod installed;
mod layout;
mod namespaces;
mod numbers;
mod opened;

pub use assembly::{
    Assembly, Built, Finish, OldVersion, Reused, Sharing, WholeFile, discard, whole_files,
};
pub use database::Database;
pub use error::StoreError;
pub use heal::{heal, sweep_repairs};
pub use installed::{Damage, InstalledVersion};
pub use layout::Layout;
pub use namespaces::{HandedOver, Lease, LivePack, Namespaces, Removal};
pub use opened::{FORMS_MAX, FormBytes};
