//! What goes wrong, and how often.

/// Chances in a thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// The power goes: at each event, effect, and step of a switch.
    pub crash: u32,
    /// A commit fails.
    pub commit: u32,
    /// A step of a transfer, plan or check fails for want of a connection.
    pub network: u32,
    /// What arrived is not what was signed.
    pub corrupt: u32,
    /// A switch or removal fails.
    pub disk: u32,
    /// What is staged turns out to be damaged at the switch.
    pub damage: u32,
    /// A process that is told something, or an extension, is slow; or it ends instead of answering.
    pub receivers: u32,
}

impl Faults {
    /// Nothing goes wrong.
    #[must_use]
    pub const fn none() -> Self {
        Self { crash: 0, commit: 0, network: 0, corrupt: 0, disk: 0, damage: 0, receivers: 0 }
    }

    /// A bad connection.
    #[must_use]
    pub const fn bad_network() -> Self {
        Self { network: 150, corrupt: 20, ..Self::none() }
    }

    /// A machine that dies all the time.
    #[must_use]
    pub const fn crashes() -> Self {
        Self { crash: 30, commit: 20, ..Self::none() }
    }

    /// All of it.
    #[must_use]
    pub const fn everything() -> Self {
        Self {
            crash: 15,
            commit: 15,
            network: 60,
            corrupt: 10,
            disk: 60,
            damage: 60,
            receivers: 200,
        }
    }
}
