//! The same as in the crate's root, for programs without an executor: each call waits, each stream
//! is an iterator.

mod apps;
mod events;
mod files;
mod languages;
mod manager;
mod packs;
mod reading;
mod service;

pub use apps::Apps;
pub use events::Events;
pub use manager::AssetPackManager;
pub use packs::Packs;
pub use service::Service;

pub(crate) use reading::reading_methods;
