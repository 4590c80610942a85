//! The same as in the crate's root, for programs without an executor: each call waits, each stream
//! is an iterator.

mod apps;
mod control;
mod device;
mod downloads;
mod events;
mod files;
mod installation;
mod languages;
mod manager;
mod packs;
mod queue;
mod reading;
mod server_headers;
mod service;

pub use apps::Apps;
pub use device::Device;
pub use downloads::DownloadManager;
pub use events::Events;
pub use installation::{Installation, InstallationControls};
pub use manager::AssetPackManager;
pub use packs::Packs;
pub use queue::Queue;
pub use service::Service;

pub(crate) use reading::reading_methods;
