//! A content request meets a catalog: what is fetched, brought up to date, and removed. `Spec: concepts 3, 5`.

use std::collections::BTreeSet;

use headstart_model::catalog::CatalogPack;
use headstart_model::{
    AppId, ContentRequest, DownloadPolicy, Failure, Language, PackId, Selection,
};

use crate::class::Demand;
use crate::failures;
use crate::id::PackKey;
use crate::record::{Languages, Leaving, Pack};
use crate::transition::{begin, late};
use crate::work::Work;

/// What a content request makes of one pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Fetch(Demand),
    /// Essential, but the installation went on without it: only in the background, with the reason kept.
    FetchMissed,
    RemoveObsolete,
    /// Essential, and there is none that could be fetched: not for this version of the app, or not at all.
    Miss,
}

/// In which circumstances a content request is carried out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chosen<'a> {
    /// Why no catalog could be had while the installation waited for one.
    pub(crate) failed_before: Option<&'a Failure>,
    /// Packs that the app's extension does not want. `Spec: api 4`.
    pub(crate) dropped: &'a BTreeSet<PackId>,
}

/// The packs that a content request would fetch by itself: those about which an extension is asked.
pub(crate) fn candidates(w: &Work<'_>, app: &AppId, request: ContentRequest) -> Vec<CatalogPack> {
    let Some(record) = w.app(app) else { return Vec::new() };
    let blocks = record.installation().is_some();
    let packs = w.records().packs_of(app).filter(|(_, pack)| {
        let chosen = act(pack, (request, &record.languages), blocks);
        matches!(chosen, Some(Act::FetchMissed | Act::Fetch(Demand::Essential | Demand::Prefetch)))
    });
    packs.filter_map(|(_, pack)| pack.offer.clone()).collect()
}

/// Carries a content request out.
pub(crate) fn apply(w: &mut Work<'_>, app: &AppId, request: ContentRequest, chosen: &Chosen<'_>) {
    let Some(record) = w.app(app) else { return };
    let (blocks, languages) = (record.installation().is_some(), &record.languages);
    let acts: Vec<(PackKey, Act)> = w
        .records()
        .packs_of(app)
        .filter_map(|(key, pack)| {
            let act = act(pack, (request, languages), blocks)?;
            let dropped = chosen.dropped.contains(&key.pack);
            Some((key.clone(), if dropped { act.of_dropped(pack)? } else { act }))
        })
        .collect();
    late::note(w, app, request, chosen.dropped);
    for (key, act) in acts {
        match act {
            Act::Fetch(demand) => {
                if demand == Demand::Essential {
                    w.pack_mut(&key).missed = None;
                }
                begin::begin(w, &key, demand);
            }
            Act::FetchMissed => {
                w.pack_mut(&key).missed = chosen.failed_before.cloned();
                begin::begin(w, &key, Demand::Missed);
            }
            Act::Miss => {
                let missed = w.pack(&key).and_then(failures::why_not_offered);
                w.pack_mut(&key).missed = missed;
            }
            Act::RemoveObsolete => {
                w.set_leaving(&key, Some(Leaving::Obsolete));
                w.want_switch(app);
            }
        }
    }
}

impl Act {
    /// What is left of it when the extension does not want the pack: one that is local is kept up to date all the same.
    fn of_dropped(self, pack: &Pack) -> Option<Self> {
        match self {
            Self::RemoveObsolete => Some(self),
            // Nobody misses what the app does not want.
            Self::Miss => None,
            Self::Fetch(_) | Self::FetchMissed => pack.local.map(|_| Self::Fetch(Demand::Update)),
        }
    }
}

/// `blocks` tells whether an installation waits for what is essential.
fn act(
    pack: &Pack,
    (request, languages): (ContentRequest, &Languages),
    blocks: bool,
) -> Option<Act> {
    let Some(offer) = &pack.offer else {
        if let Some(newest) = &pack.withheld {
            let essential = selection(newest, request, languages) == Selection::Essential;
            return (essential && blocks && pack.local.is_none()).then_some(Act::Miss);
        }
        if let Some(unreadable) = &pack.unreadable {
            let (policy, language) = (&unreadable.policy, unreadable.language.as_ref());
            let selected = selected((policy, language), request, languages);
            let essential = selected == Selection::Essential;
            return (essential && blocks && pack.local.is_none()).then_some(Act::Miss);
        }
        // A first installation may find packs that were kept; what is obsolete among them goes at the next request.
        let obsolete = pack.is_obsolete() && pack.leaving.is_none();
        return (obsolete && request != ContentRequest::Install).then_some(Act::RemoveObsolete);
    };
    if pack.is_current() || pack.leaving.is_some() {
        return None;
    }
    match selection(offer, request, languages) {
        Selection::Essential if blocks => Some(Act::Fetch(Demand::Essential)),
        Selection::Essential => Some(Act::FetchMissed),
        Selection::Prefetch => Some(Act::Fetch(Demand::Prefetch)),
        Selection::NotSelected => pack.local.map(|_| Act::Fetch(Demand::Update)),
    }
}

/// What the event selects: of localized packs only those of the app's language. `Spec: packs 9`.
///
/// `Ours:` a change of the language selects what any event of an installation would have selected had the language been so
/// from the start, and nothing waits for it; packs without a language have nothing to do with it.
pub(crate) fn selection(
    offer: &CatalogPack,
    request: ContentRequest,
    languages: &Languages,
) -> Selection {
    selected((&offer.download_policy, offer.language.as_ref()), request, languages)
}

/// The same of a pack of which no more is known than when it is downloaded, and its language.
pub(crate) fn selected(
    (policy, language): (&DownloadPolicy, Option<&Language>),
    request: ContentRequest,
    languages: &Languages,
) -> Selection {
    match (language, request) {
        (Some(language), _) if !languages.is_resolved(language) => Selection::NotSelected,
        (Some(_), ContentRequest::LanguageChange) => {
            let events = [ContentRequest::Install, ContentRequest::Update];
            let selects = |event| policy.selected_by(event) != Selection::NotSelected;
            if events.into_iter().any(selects) {
                Selection::Prefetch
            } else {
                Selection::NotSelected
            }
        }
        _ => policy.selected_by(request),
    }
}

#[cfg(test)]
mod tests {
    use headstart_model::{
        DownloadPolicy, InstallationEventType, InstallationEventTypes, Language,
    };

    use super::*;
    use crate::testing::{essential, offer, prefetch};

    fn only(event: InstallationEventType) -> DownloadPolicy {
        let installation_event_types = vec![event];
        DownloadPolicy::Prefetch(InstallationEventTypes { installation_event_types })
    }

    #[test]
    fn an_event_selects_by_policy_and_of_localized_packs_those_of_the_language() {
        use ContentRequest::{Install, LanguageChange, Periodic, Update};
        use InstallationEventType::{FirstInstallation, SubsequentUpdate};
        use Selection::{Essential, NotSelected, Prefetch};
        let cases = [
            // Pack's language, policy, the app's language; then what each request selects.
            (None, essential(), Some("de"), [Essential, Essential, NotSelected, NotSelected]),
            (None, prefetch(), None, [Prefetch, Prefetch, NotSelected, NotSelected]),
            (Some("de"), essential(), Some("de"), [Essential, Essential, NotSelected, Prefetch]),
            (Some("de"), prefetch(), Some("de-DE"), [Prefetch, Prefetch, NotSelected, Prefetch]),
            (Some("de"), essential(), Some("de-AT"), [NotSelected; 4]),
            (Some("de"), essential(), None, [NotSelected; 4]),
            (Some("de"), DownloadPolicy::on_demand(), Some("de"), [NotSelected; 4]),
            (
                Some("de"),
                only(FirstInstallation),
                Some("de"),
                [Prefetch, NotSelected, NotSelected, Prefetch],
            ),
            (
                Some("de"),
                only(SubsequentUpdate),
                Some("de"),
                [NotSelected, Prefetch, NotSelected, Prefetch],
            ),
        ];
        let tag = |text: &str| text.parse::<Language>().expect("a tag");
        for (language, policy, resolved, expected) in cases {
            let mut offer = offer("pack", 1, policy.clone());
            offer.language = language.map(tag);
            let languages = Languages { resolved: resolved.map(tag), ..Languages::default() };
            for (request, expected) in
                [Install, Update, Periodic, LanguageChange].into_iter().zip(expected)
            {
                let selected = selection(&offer, request, &languages);
                assert_eq!(selected, expected, "{language:?} {policy:?} {resolved:?} {request:?}");
            }
        }
    }
}
