//! The pack that is wanted, as it is typed and as a catalog has it.

use std::str::FromStr;

use headstart_model::catalog::{Catalog, CatalogPack};
use headstart_model::{ErrorKind, Failure, PackId, PackVersion};

/// A pack as it is named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) id: PackId,
    pub(super) version: Option<PackVersion>,
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (id, version) = match text.split_once('@') {
            Some((id, version)) => {
                let number =
                    version.parse().map_err(|_| format!("`{version}` is no version number"))?;
                (id, Some(number))
            }
            None => (text, None),
        };
        Ok(Self { id: id.parse().map_err(|error| format!("{error}"))?, version })
    }
}

/// The pack wanted, if the channel has it in that version.
pub(super) fn pick<'a>(catalog: &'a Catalog, wanted: &Wanted) -> Result<&'a CatalogPack, Failure> {
    let all = || catalog.packs.iter().chain(&catalog.former).filter(|pack| pack.id == wanted.id);
    let found = match wanted.version {
        None => catalog.packs.iter().find(|pack| pack.id == wanted.id),
        Some(version) => all().find(|pack| pack.version == version),
    };
    found.ok_or_else(|| {
        let (id, channel) = (&wanted.id, &catalog.channel);
        if let (Some(version), Some(live)) = (wanted.version, all().next()) {
            let message = format!("channel `{channel}` has no version {version} of pack `{id}`");
            return Failure::new(ErrorKind::NotFound, "versionUnknown", message)
                .with_hint(format!("version {} is live", live.version));
        }
        let message = format!("channel `{channel}` of the repository has no pack `{id}`");
        let names = catalog.packs.iter().take(10).map(|pack| pack.id.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        let hint =
            if names.is_empty() { "it has none".to_owned() } else { format!("it has: {names}") };
        Failure::new(ErrorKind::NotFound, "packUnknown", message).with_hint(hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_may_be_asked_for() {
        let id = PackId::new("Level1").expect("a good id");
        assert_eq!("Level1".parse(), Ok(Wanted { id: id.clone(), version: None }));
        assert_eq!("Level1@3".parse(), Ok(Wanted { id, version: Some(PackVersion(3)) }));
        assert!("Level1@latest".parse::<Wanted>().is_err());
        assert!("../x".parse::<Wanted>().is_err());
    }
}
