//! What the engine knows about the device, each with since when. Told by the performer, forgotten when it ends.

use headstart_model::Language;

use crate::time::WallTime;

/// A value and since when it has been so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<T> {
    /// The value.
    pub value: T,
    /// Since when.
    pub since: WallTime,
}

impl<T: PartialEq> Known<T> {
    /// Takes a new value over; `since` moves only when the value is another one.
    fn learn(&mut self, value: T, at: WallTime) {
        if self.value != value {
            *self = Self { value, since: at };
        }
    }
}

/// Whether there is a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Network {
    /// There may be one: nothing says otherwise.
    Online,
    /// There is none.
    Offline,
}

/// How much the device wants to save.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Power {
    /// Nothing in particular.
    Normal,
    /// As much as it can: Low Power Mode. `Spec: concepts 9`.
    Low,
}

/// Transfers that may run at once when no setting says otherwise.
pub const TRANSFERS_MAX_DEFAULT: u32 = 3;
/// Bytes of the disk that downloads leave alone. `Ours:` the service must be able to commit and to log on a full disk.
pub const DISK_RESERVE_BYTES: u64 = 64 * 1024 * 1024;

/// What is known about the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The network.
    pub network: Known<Network>,
    /// Free bytes on the disk that holds the packs.
    pub disk_free_bytes: Known<u64>,
    /// How much the device wants to save.
    pub power: Known<Power>,
    /// Transfers that may run at once: 1 or more.
    pub transfers_max: u32,
    /// What the person who uses the device reads, best first; empty while that is not known.
    pub languages: Known<Vec<Language>>,
}

impl Default for Facts {
    /// Nothing is known: as if everything were there, so that a performer that cannot tell does not block anything.
    fn default() -> Self {
        Self {
            network: Known { value: Network::Online, since: WallTime(0) },
            disk_free_bytes: Known { value: u64::MAX, since: WallTime(0) },
            power: Known { value: Power::Normal, since: WallTime(0) },
            transfers_max: TRANSFERS_MAX_DEFAULT,
            languages: Known { value: Vec::new(), since: WallTime(0) },
        }
    }
}

/// News about the device; what is `None` is as before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FactsChange {
    /// The network.
    pub network: Option<Network>,
    /// Free bytes on the disk that holds the packs.
    pub disk_free_bytes: Option<u64>,
    /// How much the device wants to save.
    pub power: Option<Power>,
    /// Transfers that may run at once; 0 counts as 1.
    pub transfers_max: Option<u32>,
    /// What the person reads, best first. One that says nothing is no news.
    pub languages: Option<Vec<Language>>,
}

impl Facts {
    pub(crate) fn learn(&mut self, news: &FactsChange, at: WallTime) {
        if let Some(network) = news.network {
            self.network.learn(network, at);
        }
        if let Some(bytes) = news.disk_free_bytes {
            self.disk_free_bytes.learn(bytes, at);
        }
        if let Some(power) = news.power {
            self.power.learn(power, at);
        }
        if let Some(transfers) = news.transfers_max {
            self.transfers_max = transfers.max(1);
        }
        if let Some(languages) = news.languages.clone().filter(|list| !list.is_empty()) {
            self.languages.learn(languages, at);
        }
    }

    /// Whether the device saves power.
    #[must_use]
    pub fn is_low_power(&self) -> bool {
        self.power.value == Power::Low
    }

    /// Whether there may be a network.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.network.value == Network::Online
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_moves_only_with_the_value() {
        let mut facts = Facts::default();
        let offline = FactsChange { network: Some(Network::Offline), ..FactsChange::default() };
        facts.learn(&offline, WallTime(5));
        facts.learn(&offline, WallTime(9));
        assert_eq!(facts.network, Known { value: Network::Offline, since: WallTime(5) });
        assert!(!facts.is_online());
    }

    #[test]
    fn one_transfer_may_always_run() {
        let mut facts = Facts::default();
        facts.learn(&FactsChange { transfers_max: Some(0), ..FactsChange::default() }, WallTime(1));
        assert_eq!(facts.transfers_max, 1);
    }
}
