//! What is remembered of app groups beyond the bundles of their members.

use headstart_model::AppId;
use serde::{Deserialize, Serialize};

/// The container of a group holds what an app keeps there that is not installed any more, or has left the group: it is that
/// app's still. `Ours:` there is no signature by which it would be known again, so nobody else may come to own the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptGroup {
    /// Whose it is.
    pub owner: AppId,
    /// Who may join, as its bundle said last.
    pub guests: Vec<AppId>,
}
