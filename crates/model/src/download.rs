//! Single downloads: what an app or its extension asks the service to fetch and hand over once. `Spec: api 7`.
//!
//! A [`UrlDownload`] is a value; it does nothing until it is scheduled. [`UrlDownload::check`] tells everything that is wrong
//! with one before a service is asked: where the original system ends the process, there is a typed problem here
//! (`Spec: concepts 16`).

mod codes;
mod priority;
mod problem;
mod state;
mod url_download;

pub use codes::BackgroundAssetsErrorCode;
pub use priority::{DownloadPriority, PriorityError};
pub use problem::DownloadProblem;
pub use state::DownloadStatus;
pub use url_download::{
    DownloadKind, HEADER_BYTES_MAX, HEADERS_MAX, IDENTIFIER_BYTES_MAX, UNIQUE_BYTES_MAX,
    URL_BYTES_MAX, UrlDownload,
};
