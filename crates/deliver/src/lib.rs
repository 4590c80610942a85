//! Brings one version of a pack from a repository to a folder: plans, transfers, verifies, builds.
//!
//! The service does this for apps, `headstart clone` for anybody; both call the same code. What decides *whether* and
//! *when* bytes move is elsewhere (the engine, a person); here is *how*.
//!
//! - [`RepositoryAccess`]: a repository over HTTP or in a folder, as one thing to read from.
//! - [`Delivery::prepare`]: finds the cheapest way from what is held to what is wanted and says what it costs
//!   ([`Receipt`]); [`Delivery::carry_out`] does it. Both go on where a killed one stopped.
//! - [`Delivery::prepare_repair`]: the same for a version that is damaged; only what is damaged is fetched.
//! - [`Ahead`]: readers of a version that is on its way.
//! - [`OwnIndex`], [`Location::Archive`]: the same from an archive that no repository vouches for.
//! - [`unpack`]: an archive file into any folder.

mod access;
mod ahead;
mod aside;
mod delivery;
mod error;
mod fetch;
mod local;
mod moving;
mod opening;
mod own_index;
mod parking;
mod receipt;
mod route;
mod seed;
mod site;
mod steer;
mod unpack;
mod way;

pub use access::{Location, LocationError, Mirror, RepositoryAccess};
pub use ahead::{Ahead, AheadError, Arrived};
pub use delivery::{Delivered, Delivery, Goal, Moved, ProgressListener};
pub use error::DeliverError;
pub use own_index::{Announced, ArchiveLocation, ArchivePlace, OwnIndex, OwnIndexError};
pub use receipt::{Receipt, Way};
pub use seed::{SeedError, scan_seed, version_of};
pub use unpack::{Overwrite, UnpackError, Unpacked, unpack};
pub use way::HeldFolder;
// What the types here are made of, for callers that do not use the store themselves.
pub use headstart_store::{Finish, InstalledVersion, Sharing};
