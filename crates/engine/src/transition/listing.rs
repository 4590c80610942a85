//! What a plain download manifest lists, compared with what it listed when it was last read. `Spec: packs 4.1`.

use std::collections::BTreeMap;

use headstart_model::{AppId, PackId, PackVersion};

use crate::effect::ArchivedOffer;
use crate::record::{Pack, Unreadable};
use crate::work::Work;

/// Attempts after which the next wait is half an hour to an hour.
const WITHIN_AN_HOUR: u32 = 11;

/// The archives of a manifest: the version and address of each, and whether it could be looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listing(BTreeMap<PackId, Entry>);

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    version: PackVersion,
    /// Without its query, which is another one each time where addresses are signed.
    address: String,
    readable: bool,
}

impl Entry {
    fn new(version: PackVersion, archive: &str, readable: bool) -> Self {
        let address = archive.split_once('?').map_or(archive, |(address, _)| address);
        Self { version, address: address.to_owned(), readable }
    }
}

impl Listing {
    /// As it is on record.
    pub(crate) fn held(w: &Work<'_>, app: &AppId) -> Self {
        let packs = w.records().packs_of(app);
        let entry = |pack: &Pack| {
            if let Some(unreadable) = &pack.unreadable {
                let listed = unreadable.entry.as_ref()?;
                return Some(Entry::new(listed.version, &listed.archive, false));
            }
            let (newest, archive) = match &pack.withheld {
                Some(withheld) => (&**withheld, &pack.withheld_archive),
                None => (pack.offer.as_ref()?, &pack.archive),
            };
            Some(Entry::new(newest.version, archive.as_ref()?, true))
        };
        Self(packs.filter_map(|(key, pack)| Some((key.pack.clone(), entry(pack)?))).collect())
    }

    /// As it was read.
    pub(crate) fn read(
        w: &Work<'_>,
        packs: &[ArchivedOffer],
        unreadable: &[(PackId, Unreadable)],
    ) -> Self {
        let here = packs.iter().filter(|it| it.pack.is_for(w.device().platform));
        let readable =
            here.map(|it| (it.pack.id.clone(), Entry::new(it.pack.version, &it.archive, true)));
        let unreadable = unreadable.iter().filter_map(|(id, it)| {
            let listed = it.entry.as_ref()?;
            Some((id.clone(), Entry::new(listed.version, &listed.archive, false)))
        });
        Self(readable.chain(unreadable).collect())
    }

    /// How many of `attempts` at archives that cannot be looked at still count: none when other packs or versions are listed than
    /// before, or some can be looked at by now. `Ours:` archives that have only moved are waited for within an hour and no
    /// less, for there are servers that give them another address each time.
    pub(crate) fn attempts_left(&self, before: &Self, attempts: u32) -> u32 {
        let is_news = |(one, other): ((&PackId, &Entry), (&PackId, &Entry))| {
            one.0 != other.0
                || one.1.version != other.1.version
                || one.1.readable != other.1.readable
        };
        if self.0.len() != before.0.len() || self.0.iter().zip(&before.0).any(is_news) {
            0
        } else if self == before {
            attempts
        } else {
            attempts.min(WITHIN_AN_HOUR - 1)
        }
    }
}
