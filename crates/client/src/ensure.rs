//! On what terms an app waits for packs.

use headstart_model::Urgency;

/// Whether a local copy is enough, or has to be the newest. `Spec: api 2`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Require {
    /// Any local copy will do: the server is not asked about it.
    #[default]
    AnyVersion,
    /// Also waits for an available update.
    LatestVersion,
}

/// On what terms packs are waited for: any version will do, and a person waits. A [`Require`] or an
/// [`Urgency`] alone says the rest by its default.
///
/// ```
/// use headstart::{EnsureOptions, Require, Urgency};
///
/// let ahead: EnsureOptions = Urgency::Background.into();
/// assert_eq!(ahead, EnsureOptions::new().urgency(Urgency::Background));
/// let newest: EnsureOptions = Require::LatestVersion.into();
/// assert_eq!(newest, EnsureOptions::new().require(Require::LatestVersion));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EnsureOptions {
    pub(crate) require: Require,
    pub(crate) urgency: Urgency,
}

impl EnsureOptions {
    /// Any version, in the foreground.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether any version will do.
    #[must_use]
    pub const fn require(mut self, require: Require) -> Self {
        self.require = require;
        self
    }

    /// How urgently they are waited for.
    #[must_use]
    pub const fn urgency(mut self, urgency: Urgency) -> Self {
        self.urgency = urgency;
        self
    }
}

impl From<Require> for EnsureOptions {
    fn from(require: Require) -> Self {
        Self::new().require(require)
    }
}

impl From<Urgency> for EnsureOptions {
    fn from(urgency: Urgency) -> Self {
        Self::new().urgency(urgency)
    }
}
