//! The author's side: making a repository, publishing into it, keeping it believable.

mod change;
mod collisions;
mod documents;
mod error;
mod gc;
mod history;
mod index;
mod init;
mod keys;
mod ledger;
mod plan;
mod prepare;
mod prepared;
mod publish;
mod published;
mod reader;
mod refresh;
mod verify;
mod writer;

pub use collisions::Collision;
pub use documents::Lifetimes;
pub use error::{ChangeError, KeyError, PublishError};
pub use gc::{Freed, FreedFile};
pub use history::{ListedChannel, ListedPack, LoggedRelease, list, log};
pub use init::{Initialised, KeysPlace, init};
pub use keys::{Duty, KeyFolder};
pub use ledger::Cause;
pub use prepare::{Doing, Preparation, PrepareError, Step, Steps};
pub(crate) use prepared::{Beginning, Content};
pub use prepared::{PreparedPack, Staged};
pub use publish::{Preview, ReleaseRequest, Released, ReleasedDelta, ReleasedPack};
pub use reader::Reader;
pub use refresh::{KeyInfo, KeyPlace, Refreshed};
pub use verify::{Damage, Fault, Verification, verify};
pub use writer::{Committed, Mode, Outcome, Writer};
