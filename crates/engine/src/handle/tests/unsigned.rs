//! Packs that nobody signed: from a plain download manifest, or brought by the app (packs 4.1, 4.2).

use headstart_model::catalog::CatalogPack;
use headstart_model::download::{DownloadKind, DownloadStatus, UrlDownload};
use headstart_model::protocol::packs::Trust as PackTrust;
use headstart_model::{AppVersions, DownloadPolicy, ErrorKind, PackVersion, Status};

use crate::record::{Bundle, KeepData};
use crate::testing::{
    Bench, HOUR_MS, a_failure, answer, app_id, bundle, code, essential, file, is_fetch, is_read,
    key, listing, offer, prefetch, told, with_extension,
};
use crate::{Effect, Event, Fact, FileUpdate, Order, explain_download, view};

fn archive(pack: &str, version: u64) -> UrlDownload {
    UrlDownload {
        kind: DownloadKind::AssetPack,
        pack_version: Some(PackVersion(version)),
        ..file(pack)
    }
}

fn is_switch(order: &Order) -> bool {
    matches!(order, Order::Switch { .. })
}

fn local(bench: &Bench, pack: &str) -> Option<(u64, PackTrust)> {
    let view = view::pack(&bench.state, &key(pack))?;
    Some((view.local_version?.0, view.trust))
}

fn is_finished(effects: &[Effect]) -> bool {
    told(effects).iter().any(|(_, update)| *update == FileUpdate::Finished)
}

#[test]
fn the_pack_of_an_archive_is_readable_before_its_end_is_told() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![archive("levels", 3)]);
    let effects = bench.finish(is_fetch);
    assert!(!is_finished(&effects) && local(&bench, "levels").is_none());
    // A new life does what is owed.
    bench.restart();
    let effects = bench.finish(is_switch);
    assert!(is_finished(&effects));
    assert_eq!(local(&bench, "levels"), Some((3, PackTrust::TransportOnly)));
    assert_eq!(view::status(&bench.state, &key("levels")), Status::DOWNLOADED);
    assert_eq!(view::trust(&bench.state, &app_id("app")), Some(PackTrust::TransportOnly));
    bench.hear_all();
    bench.finish_everything();
    // The same again is there already, and another version takes its place.
    bench.schedule(vec![archive("levels", 3)]);
    assert!(is_finished(&bench.finish(is_fetch)));
    bench.hear_all();
    bench.schedule(vec![archive("levels", 2)]);
    bench.finish(is_fetch);
    bench.finish(is_switch);
    bench.hear_all();
    bench.finish_everything();
    assert_eq!(local(&bench, "levels"), Some((2, PackTrust::TransportOnly)));
}

#[test]
fn a_version_that_is_lost_before_it_is_readable_is_built_again() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![archive("levels", 1)]);
    for attempt in 1..=3 {
        bench.finish(is_fetch);
        let effect = bench.order(is_switch);
        let damaged = vec![key("levels").pack];
        let failure = a_failure(ErrorKind::Untrusted);
        let effects = bench.hear(Event::SwitchFailed { effect, failure, damaged });
        let failed = told(&effects).iter().any(|(_, it)| matches!(it, FileUpdate::Failed(_)));
        assert_eq!(failed, attempt == 3);
        if attempt < 3 {
            bench.finish(|order| matches!(order, Order::Discard { .. }));
            bench.pass(1_000);
        }
    }
    bench.hear_all();
    bench.finish_everything();
    assert!(bench.state.records().packs().next().is_none());
}

#[test]
fn the_local_version_keeps_its_description_while_another_is_on_its_way_and_over_a_removal_of_the_app()
 {
    let described = |bench: &Bench| {
        let pack = bench.state.records().pack(&key("levels")).expect("it is known");
        pack.described().map(|described| described.version.0)
    };
    let mut bench = with_levels();
    bench.finish_everything();
    bench.schedule(vec![archive("levels", 2)]);
    bench.finish(is_fetch);
    assert_eq!(described(&bench), Some(1));
    let (effect, damaged) = (bench.order(is_switch), vec![key("levels").pack]);
    let failure = a_failure(ErrorKind::Untrusted);
    bench.hear(Event::SwitchFailed { effect, failure, damaged });
    assert_eq!(described(&bench), Some(1));
    bench.finish_everything();
    assert_eq!(described(&bench), Some(2));
    bench.hear_all();
    bench.finish_everything();
    let (app, data) = (app_id("app"), KeepData::Keep);
    bench.call(|caller| Event::AppUninstallRequested { caller, app, data });
    bench.finish_everything();
    bench.install_bundle(with_extension());
    assert_eq!(described(&bench), Some(2));
}

#[test]
fn what_is_built_of_an_archive_goes_when_its_download_fails() {
    let is_discard = |order: &Order| matches!(order, Order::Discard { .. });
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![archive("levels", 1)]);
    let effect = bench.order(is_fetch);
    let failure = a_failure(ErrorKind::Internal);
    bench.hear(Event::TransferFailed { effect, failure });
    bench.finish(is_discard);
    // So it does when it was cancelled meanwhile, and its end was taken note of.
    bench.hear_all();
    bench.finish_everything();
    bench.schedule(vec![archive("levels", 1)]);
    let effect = bench.order(is_fetch);
    bench.cancel("levels");
    bench.hear_all();
    assert!(!bench.orders().iter().any(|(_, order)| is_discard(order)), "it still builds");
    bench.hear(Event::Stopped { effect });
    bench.finish(is_discard);
    bench.finish_everything();
    assert!(bench.state.records().packs().next().is_none());
}

#[test]
fn an_archive_waits_until_its_pack_is_cleared_away_and_not_for_what_cannot_be() {
    let is_discard = |order: &Order| matches!(order, Order::Discard { .. });
    let fetches = |bench: &Bench| bench.orders().iter().filter(|(_, it)| is_fetch(it)).count();
    for cleared in [true, false] {
        let mut bench = Bench::launched(with_extension());
        bench.schedule(vec![archive("levels", 1)]);
        let effect = bench.order(is_fetch);
        let failure = a_failure(ErrorKind::Internal);
        bench.hear(Event::TransferFailed { effect, failure: failure.clone() });
        bench.hear_all();
        let effect = bench.order(is_discard);
        if !cleared {
            // It cannot be cleared away, and is to be tried again.
            bench.hear(Event::RemovalFailed { effect, failure: failure.clone() });
            bench.schedule(vec![archive("levels", 1)]);
            assert_eq!(fetches(&bench), 1);
            continue;
        }
        bench.schedule(vec![archive("levels", 1)]);
        for _ in 0..10 {
            bench.pass(60_000);
            assert_eq!(fetches(&bench), 0, "nothing is begun meanwhile, however long it takes");
        }
        bench.restart();
        assert_eq!(fetches(&bench), 0);
        bench.hear(Event::RemovalFailed { effect, failure });
        assert_eq!(fetches(&bench), 1, "what is left there is built upon");
        bench.finish(is_fetch);
        bench.finish(is_switch);
        assert_eq!(local(&bench, "levels"), Some((1, PackTrust::TransportOnly)));
    }
}

/// A bench whose app has brought a pack by itself.
fn with_levels() -> Bench {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![archive("levels", 1)]);
    bench.finish(is_fetch);
    bench.finish(is_switch);
    bench.hear_all();
    bench
}

#[test]
fn an_archive_of_what_just_leaves_is_built_anew_when_that_has_left() {
    let mut bench = with_levels();
    bench.finish_everything();
    bench.schedule(vec![archive("levels", 1)]);
    let fetch = bench.order(is_fetch);
    let (app, pack) = (app_id("app"), key("levels").pack);
    bench.call(|caller| Event::RemoveRequested { caller, app, pack });
    // The step that takes it away is being made when the archive arrives, and fails for a while.
    bench.succeed(fetch);
    let effect = bench.order(is_switch);
    let failure = a_failure(ErrorKind::Internal);
    bench.hear(Event::SwitchFailed { effect, failure, damaged: Vec::new() });
    for _ in 0..10 {
        assert!(!bench.orders().iter().any(|(_, order)| is_fetch(order)));
        bench.pass(1_000);
    }
    bench.finish(is_switch);
    assert_eq!(local(&bench, "levels"), None);
    // Its version is removed first, and only then is there one to read again.
    bench.pass(HOUR_MS);
    assert!(!bench.orders().iter().any(|(_, order)| is_fetch(order)));
    bench.finish(is_removal);
    bench.finish(is_fetch);
    bench.finish(is_switch);
    assert_eq!(local(&bench, "levels"), Some((1, PackTrust::TransportOnly)));
}

fn is_removal(order: &Order) -> bool {
    matches!(order, Order::RemoveVersion { .. })
}

#[test]
fn an_archive_that_arrives_while_its_version_is_removed_goes_on_at_the_end_of_that() {
    for read in [false, true] {
        let mut bench = with_levels();
        bench.finish_everything();
        bench.schedule(vec![archive("levels", 1)]);
        let (app, pack) = (app_id("app"), key("levels").pack);
        bench.call(|caller| Event::RemoveRequested { caller, app, pack });
        bench.finish(is_switch);
        bench.finish(is_fetch);
        for _ in 0..10 {
            bench.pass(1_000);
            let kinds: Vec<_> = bench.orders().into_iter().map(|(_, order)| order).collect();
            assert!(kinds.iter().all(is_removal), "nobody asks how far it is: {kinds:?}");
        }
        let explained = explain_download(&bench.state, bench.file_id("levels"), bench.now());
        let explained = explained.expect("it is on record");
        let facts: Vec<_> = explained.reasons.into_iter().map(|reason| reason.fact).collect();
        assert_eq!((explained.status, facts), (DownloadStatus::Waiting, vec![Fact::WindingDown]));
        let effect = bench.order(is_removal);
        let end = if read { Event::VersionInUse { effect } } else { Event::Removed { effect } };
        bench.hear(end);
        bench.finish(is_fetch);
        bench.finish(is_switch);
        assert_eq!(local(&bench, "levels"), Some((1, PackTrust::TransportOnly)));
        assert!(!bench.orders().iter().any(|(_, order)| is_removal(order)));
    }
}

#[test]
fn what_is_just_becoming_readable_is_not_cancelled_any_more() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![archive("levels", 1)]);
    bench.finish(is_fetch);
    assert_eq!(code(&bench.cancel("levels")), 101);
    assert!(is_finished(&bench.finish(is_switch)));
    // One that waits for another step is.
    bench.hear_all();
    bench.finish_everything();
    bench.schedule(vec![archive("levels", 2), archive("music", 1)]);
    bench.finish(is_fetch);
    bench.finish(is_fetch);
    assert!(answer(&bench.cancel("music")).is_ok());
    bench.hear_all();
    bench.finish_everything();
    assert_eq!(local(&bench, "levels").map(|it| it.0), Some(2));
    assert_eq!(local(&bench, "music"), None);
}

#[test]
fn an_app_whose_packs_are_kept_brings_none_and_nothing_comes_beside_what_is_signed() {
    let kept = Bundle { groups: with_extension().groups, extension: true, ..bundle("1") };
    let mut bench = Bench::new(vec![offer("core", 1, essential())]);
    bench.install_bundle(kept);
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    bench.hear_all();
    bench.finish_everything();
    bench.launch();
    let refusal = |bench: &mut Bench| {
        let effects = bench.schedule(vec![archive("levels", 1)]);
        answer(&effects).expect_err("refused").code.as_str().to_owned()
    };
    assert_eq!(refusal(&mut bench), "assetPackManaged");
    bench.update(Bundle { version: "2".to_owned(), ..with_extension() });
    assert_eq!(local(&bench, "core"), Some((1, PackTrust::Signed)));
    assert_eq!(refusal(&mut bench), "signedPacks");
    let (app, pack) = (app_id("app"), key("core").pack);
    bench.call(|caller| Event::RemoveRequested { caller, app, pack });
    bench.finish_everything();
    bench.schedule(vec![archive("levels", 1)]);
    bench.finish(is_fetch);
    bench.finish(is_switch);
    assert_eq!(local(&bench, "levels"), Some((1, PackTrust::TransportOnly)));
}

#[test]
fn a_plain_manifest_counts_as_a_catalog() {
    let on_demand = DownloadPolicy::on_demand;
    let mut bench = Bench::new(vec![offer("core", 1, essential()), offer("music", 1, on_demand())]);
    bench.install_bundle(listing("1"));
    assert!(!bench.may_launch());
    bench.finish_everything();
    assert!(bench.may_launch());
    assert_eq!(local(&bench, "core"), Some((1, PackTrust::TransportOnly)));
    assert_eq!(view::trust(&bench.state, &app_id("app")), Some(PackTrust::TransportOnly));
    bench.publish(vec![offer("core", 2, essential())]);
    bench.periodic();
    let read = bench.order(is_read);
    let known = bench.orders().into_iter().find(|(id, _)| *id == read);
    let Some((_, Order::ReadManifest { known, .. })) = known else { panic!("it is read") };
    assert_eq!(known.len(), 2, "what is known need not be looked at again");
    bench.finish_everything();
    assert_eq!(local(&bench, "core"), Some((2, PackTrust::TransportOnly)));
    assert!(view::pack(&bench.state, &key("music")).is_none());
}

/// What a manifest that is being read need not tell again: versions that are known, and the state that is held.
fn held(bench: &Bench) -> (Vec<u64>, Option<String>) {
    let read = bench.orders().into_iter().find(|(_, order)| is_read(order));
    let Some((_, Order::ReadManifest { known, held, .. })) = read else { panic!("it is read") };
    (known.iter().map(|known| known.pack.version.0).collect(), held)
}

#[test]
fn an_archive_for_other_versions_of_the_app_is_looked_at_once_and_chosen_when_it_is_for_this_one() {
    let ranged = |version, range: &str| CatalogPack {
        app_versions: Some(AppVersions::new(range).expect("a range")),
        ..offer("core", version, essential())
    };
    let mut bench = Bench::new(vec![ranged(7, ">=2")]);
    bench.install_bundle(listing("1"));
    bench.finish(is_read);
    let trust =
        |bench: &Bench| bench.state.records().pack(&key("core")).map(crate::record::Pack::trust);
    assert_eq!(trust(&bench), Some(PackTrust::TransportOnly));
    bench.publish(vec![ranged(7, ">=2")]);
    bench.periodic();
    assert_eq!(held(&bench).0, [7]);
    bench.finish(is_read);
    assert_eq!(local(&bench, "core"), None);
    // Another version of the app reads the same manifest anew.
    bench.update(listing("2"));
    assert_eq!(held(&bench), (vec![7], None));
    bench.finish_everything();
    assert_eq!(local(&bench, "core").map(|it| it.0), Some(7));
    bench.update(listing("1"));
    assert_eq!(held(&bench).0, [7], "what was offered and is withheld now is known too");
    bench.finish_everything();
    assert_eq!(local(&bench, "core").map(|it| it.0), Some(7));
}

#[test]
fn a_manifest_that_is_as_it_was_leaves_all_as_it_is() {
    let mut bench = Bench::new(vec![offer("core", 1, essential()), offer("music", 1, prefetch())]);
    bench.install_bundle(listing("1"));
    bench.finish_everything();
    let before = bench.state.records().packs().map(|(_, pack)| pack.clone()).collect::<Vec<_>>();
    bench.periodic();
    assert_eq!(held(&bench).1.as_deref(), Some("\"1\""));
    let effect = bench.order(is_read);
    bench.hear(Event::CatalogUnchanged { effect });
    assert!(bench.orders().is_empty());
    assert!(bench.state.records().packs().map(|(_, pack)| pack).eq(&before));
    // One whose archive has failed to arrive is looked at anew, whatever is said of the manifest.
    bench.publish(vec![offer("core", 2, essential()), offer("music", 1, prefetch())]);
    bench.periodic();
    bench.finish(is_read);
    let effect = bench.order(|order| matches!(order, Order::Plan(_)));
    let failure = a_failure(ErrorKind::Untrusted);
    bench.hear(Event::TransferFailed { effect, failure });
    assert_eq!(held(&bench), (vec![1], None));
    bench.finish_everything();
    assert_eq!(local(&bench, "core").map(|it| it.0), Some(2));
}
