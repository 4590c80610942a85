//! What the device is like, and what somebody pretends that it were like. `Spec: cli`, `debug conditions`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use headstart_engine::{FactsChange, Network, Power};
use headstart_model::{ErrorKind, Failure};
use headstart_sys::{power, space};

/// What somebody pretends.
#[derive(Debug, Clone, Default)]
struct Pretended {
    network: Option<Network>,
    power: Option<Power>,
    disk_free_bytes: Option<u64>,
}

/// Facts about the device: read from the system, and what somebody pretends over them.
#[derive(Debug, Default)]
pub struct DeviceConditions {
    pretended: Mutex<Pretended>,
}

const NAMES: [&str; 4] = ["clock", "disk-free", "network", "power"];

impl DeviceConditions {
    /// What is so at this moment, or pretended to be.
    pub(crate) fn facts(&self, home: &Path) -> FactsChange {
        let pretended = self.pretended();
        FactsChange {
            network: Some(pretended.network.unwrap_or(Network::Online)),
            power: Some(pretended.power.unwrap_or_else(real_power)),
            disk_free_bytes: pretended
                .disk_free_bytes
                .or_else(|| space::available_bytes(home).ok()),
            ..FactsChange::default()
        }
    }

    fn pretended(&self) -> Pretended {
        self.pretended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Pretends these and nothing else; milliseconds that the clock is to be ahead.
    ///
    /// # Errors
    /// A failure of kind `usage` when a name or value is none; then nothing changes.
    pub(crate) fn pretend(&self, wanted: &BTreeMap<String, String>) -> Result<u64, Failure> {
        let (mut pretended, mut ahead_ms) = (Pretended::default(), 0);
        for (key, value) in wanted {
            let wrong = |why: &str| {
                let shown: String = value.chars().take(40).collect();
                let message = format!("`{shown}` is no value of the condition `{key}`: {why}");
                Failure::new(ErrorKind::Usage, "badCondition", message)
                    .with_hint("`headstart debug conditions show` shows the conditions")
            };
            match (key.as_str(), value.as_str()) {
                ("network", "online") => pretended.network = Some(Network::Online),
                ("network", "offline") => pretended.network = Some(Network::Offline),
                ("network", _) => return Err(wrong("it is online or offline")),
                ("power", "normal") => pretended.power = Some(Power::Normal),
                ("power", "low") => pretended.power = Some(Power::Low),
                ("power", _) => return Err(wrong("it is normal or low")),
                ("disk-free", value) => {
                    let bytes = quantity(value).ok_or_else(|| wrong("a size is needed"))?;
                    pretended.disk_free_bytes = Some(bytes);
                }
                ("clock", value) => {
                    let later = value.strip_prefix('+').unwrap_or(value);
                    let later: jiff::SignedDuration =
                        later.parse().map_err(|_| wrong("a time is needed, such as +2h"))?;
                    ahead_ms = u64::try_from(later.as_millis())
                        .map_err(|_| wrong("the clock cannot be set back"))?;
                }
                _ => {
                    let shown: String = key.chars().take(40).collect();
                    let message = format!("there is no condition `{shown}`");
                    return Err(Failure::new(ErrorKind::Usage, "unknownCondition", message)
                        .with_hint(format!("the conditions are {}", NAMES.join(", "))));
                }
            }
        }
        *self.pretended.lock().unwrap_or_else(PoisonError::into_inner) = pretended;
        Ok(ahead_ms)
    }

    /// Every condition: its name, what it is taken to be, and what it really is.
    pub(crate) fn all(&self, home: &Path, ahead_ms: u64) -> Vec<(&'static str, String, String)> {
        let pretended = self.pretended();
        let real_disk =
            space::available_bytes(home).map_or_else(|_| "unknown".to_owned(), |b| b.to_string());
        let disk = pretended.disk_free_bytes.map_or_else(|| real_disk.clone(), |b| b.to_string());
        let power = pretended.power.unwrap_or_else(real_power);
        vec![
            ("clock", format!("+{}s", ahead_ms / 1000), "+0s".to_owned()),
            ("disk-free", disk, real_disk),
            (
                "network",
                network_name(pretended.network.unwrap_or(Network::Online)).to_owned(),
                // What there is of a network shows when it is used.
                network_name(Network::Online).to_owned(),
            ),
            ("power", power_name(power).to_owned(), power_name(real_power()).to_owned()),
        ]
    }
}

fn real_power() -> Power {
    if power::is_low_power() { Power::Low } else { Power::Normal }
}

const fn network_name(network: Network) -> &'static str {
    match network {
        Network::Online => "online",
        Network::Offline => "offline",
    }
}

const fn power_name(power: Power) -> &'static str {
    match power {
        Power::Normal => "normal",
        Power::Low => "low",
    }
}

/// A number with a unit, of a table.
fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let factor = units.iter().find(|(name, _)| *name == unit)?.1;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// A size as the command line takes it. `Spec: cli, common rules`.
fn quantity(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 7] = [
        ("", 1),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
    ];
    with_unit(text, &UNITS)
}

/// A rate as the command line takes it: bits (`20Mbit`) or bytes (`3MB`) a second; above zero. `Spec: cli, common rules`.
pub(crate) fn bytes_per_second(text: &str) -> Option<u64> {
    const BYTES: [(&str, u64); 4] =
        [("B", 1), ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)];
    const EIGHTHS: [(&str, u64); 4] =
        [("bit", 1), ("kbit", 1_000), ("Mbit", 1_000_000), ("Gbit", 1_000_000_000)];
    let bytes = with_unit(text, &BYTES).or_else(|| Some(with_unit(text, &EIGHTHS)? / 8))?;
    (bytes > 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_sizes_are_those_of_the_command_line() {
        for (text, rate) in [
            ("20Mbit", Some(2_500_000)),
            ("3MB", Some(3_000_000)),
            ("8bit", Some(1)),
            ("7bit", None),
            ("0MB", None),
            ("20", None),
            ("Mbit", None),
            ("99999999999999999999GB", None),
        ] {
            assert_eq!(bytes_per_second(text), rate, "{text}");
        }
        assert_eq!(quantity("64Mi"), Some(64 << 20));
        assert_eq!(quantity("1.5M"), None);
    }

    #[test]
    fn a_wrong_pretence_changes_nothing() {
        let conditions = DeviceConditions::default();
        let pretend = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            conditions.pretend(&pairs.collect())
        };
        assert_eq!(pretend(&[("network", "offline"), ("clock", "+2h")]), Ok(7_200_000));
        for wrong in [("network", "slow"), ("weather", "fine"), ("clock", "-1h"), ("power", "")] {
            assert!(pretend(&[wrong]).is_err(), "{wrong:?}");
        }
        let facts = conditions.facts(Path::new("/"));
        assert_eq!(facts.network, Some(Network::Offline));
        assert_eq!(pretend(&[]), Ok(0));
        assert_eq!(conditions.facts(Path::new("/")).network, Some(Network::Online));
    }
}
