//! What every part of Headstart has to agree on: names, versions, policies, the two JSON manifests, the signed catalog,
//! error codes and the messages on the local socket.
//!
//! Nothing here touches a file, a clock, a network or a runtime: these are values, their parsers and their rules. Everything
//! that comes from outside is checked once, on its way into one of these types, and is safe to use afterwards.
//!
//! Start with [`PackId`], [`PackPath`] and [`Digest`]; then [`packaging::PackagingManifest`] (what an author writes) and
//! [`catalog::Catalog`] (what a device reads).

pub mod app_bundle;
mod app_versions;
pub mod catalog;
mod digest;
pub mod download;
pub mod download_manifest;
pub mod failure;
mod id;
pub mod language;
pub mod namespace;
mod pack_path;
pub mod packaging;
mod place;
mod platform;
mod policy;
pub mod protocol;
pub mod record;
mod server_headers;
mod status;
mod suggestion;
mod urgency;
mod url_policy;
mod verified;

pub use app_versions::{AppVersions, AppVersionsError};
pub use digest::{Digest, DigestHasher, ParseDigestError};
pub use failure::{ErrorCode, ErrorKind, Failure};
pub use id::{AppGroupId, AppId, ChannelName, IdError, PackId, PackVersion, ReleaseNumber};
pub use language::{Language, LanguageError};
pub use pack_path::{PackPath, PathError};
pub use place::Place;
pub use platform::Platform;
pub use policy::{
    ContentRequest, DownloadPolicy, InstallationEventType, InstallationEventTypes, Selection,
};
pub use server_headers::{Headers, HeadersError, ServerHeaders, ServerOrigin};
pub use status::Status;
pub use suggestion::{Suggestion, nearest_name};
pub use urgency::{Until, Urgency};
pub use url_policy::{UrlPolicy, UrlProblem};
pub use verified::{Verified, VerifyError};
