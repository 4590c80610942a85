//! What a plain download manifest lists, compared with what it listed when it was last read. `Spec: packs 4.1`.

use std::collections::BTreeMap;

use headstart_model::{AppId, PackId, PackVersion};

use crate::effect::ArchivedOffer;
use crate::record::{Pack, Unreadable};
use crate::work::Work;

/// So many attempts count at most after something good has happened: the wait after the next one, which is the sixth, is half a
/// minute to a minute.
const WITHIN_A_MINUTE: u32 = 5;

/// So many attempts count at most where archives have moved: the wait after the next one, which is the eleventh and doubles from
/// two seconds ten times, is 17 to 34 minutes.
const WITHIN_AN_HOUR: u32 = 10;

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

    /// How many of `attempts` at archives that cannot be looked at still count, so that the wait is shorter where something has
    /// happened since.
    ///
    /// `Ours:` none when other packs or versions are listed than before, for the author is at work; but where that comes again before
    /// the waits have grown, they do not shrink below half a minute, and neither do they when some archive can be looked at by now:
    /// servers may not agree about a list, and one that answers every other time is no news. Archives that have only moved
    /// are waited for within an hour and no less, for there are servers that give them another address each time. One that can
    /// be looked at no longer changes nothing.
    pub(crate) fn attempts_left(&self, before: &Self, attempts: u32) -> u32 {
        let pairs = || self.0.iter().zip(&before.0);
        let versions =
            |it: &Self| it.0.iter().map(|(id, it)| (id.clone(), it.version)).collect::<Vec<_>>();
        if versions(self) != versions(before) {
            if attempts > WITHIN_AN_HOUR { 0 } else { attempts.min(WITHIN_A_MINUTE) }
        } else if pairs().any(|((_, now), (_, then))| now.readable && !then.readable) {
            attempts.min(WITHIN_A_MINUTE)
        } else if pairs().any(|((_, now), (_, then))| now.address != then.address) {
            attempts.min(WITHIN_AN_HOUR)
        } else {
            attempts
        }
    }
}
