//! Nothing that is not signed comes beside what is, nor stays beside it (packs 4.1, 4.2).

use headstart_model::download::{DownloadKind, UrlDownload};
use headstart_model::protocol::packs::Trust as PackTrust;
use headstart_model::{ErrorKind, PackVersion};

use crate::record::Bundle;
use crate::testing::{
    Bench, a_failure, app_id, bundle, essential, failed, file, is_fetch, is_read, key, listing,
    offer, prefetch, with_extension,
};
use crate::{Event, Order, view};

fn archive(pack: &str, version: u64) -> UrlDownload {
    UrlDownload {
        kind: DownloadKind::AssetPack,
        pack_version: Some(PackVersion(version)),
        ..file(pack)
    }
}

/// A bundle whose packs come from a repository, and that has the app group of the one before.
fn signed(version: &str) -> Bundle {
    Bundle { groups: with_extension().groups, ..bundle(version) }
}

fn is_switch(order: &Order) -> bool {
    matches!(order, Order::Switch { .. })
}

fn is_catalog(order: &Order) -> bool {
    matches!(order, Order::FetchCatalog { .. })
}

fn local(bench: &Bench, pack: &str) -> Option<(u64, PackTrust)> {
    let view = view::pack(&bench.state, &key(pack))?;
    Some((view.local_version?.0, view.trust))
}

/// Lets the pack that is to be planned next arrive, up to where it waits to become readable.
fn build(bench: &mut Bench) {
    bench.finish(|order| matches!(order, Order::Plan(_)));
    bench.finish(|order| matches!(order, Order::Transfer(_)));
}

#[test]
fn what_is_not_signed_and_complete_is_turned_away_when_something_signed_is_complete_too() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![archive("levels", 1), archive("music", 1)]);
    bench.finish(is_fetch);
    let first = bench.order(is_switch);
    bench.finish(is_fetch);
    // `levels` is just becoming readable, and `music` is to follow it.
    bench.publish(vec![offer("core", 1, essential())]);
    bench.update(signed("2"));
    bench.finish(is_catalog);
    build(&mut bench);
    let effects = bench.succeed(first);
    assert_eq!(failed(&effects), [("music".to_owned(), "signedPacks".to_owned())]);
    assert_eq!(local(&bench, "levels"), Some((1, PackTrust::TransportOnly)));
    bench.finish(is_switch);
    let of = |bench: &Bench| ["core", "levels", "music"].map(|pack| local(bench, pack));
    assert_eq!(of(&bench), [Some((1, PackTrust::Signed)), None, None], "in one step");
    bench.finish_everything();
    assert_eq!(of(&bench), [Some((1, PackTrust::Signed)), None, None]);
}

#[test]
fn an_archive_that_arrives_when_the_packs_are_kept_is_refused_and_what_was_built_of_it_goes() {
    let mut bench = Bench::launched(with_extension());
    bench.schedule(vec![archive("levels", 1)]);
    bench.publish(vec![offer("core", 1, essential())]);
    bench.update(signed("2"));
    let effects = bench.finish(is_fetch);
    assert_eq!(failed(&effects), [("levels".to_owned(), "assetPackManaged".to_owned())]);
    bench.order(|order| matches!(order, Order::Discard { .. }));
    bench.finish_everything();
    assert_eq!(local(&bench, "levels"), None);
    assert_eq!(local(&bench, "core"), Some((1, PackTrust::Signed)));
}

#[test]
fn what_is_complete_is_vouched_for_by_the_catalog_that_names_its_very_content() {
    let mut bench = Bench::new(vec![offer("a", 1, prefetch()), offer("core", 1, prefetch())]);
    bench.install_bundle(listing("1"));
    bench.finish(is_read);
    build(&mut bench);
    let first = bench.order(is_switch);
    build(&mut bench);
    // `a` is just becoming readable, and `core` is to follow it.
    bench.publish(vec![offer("core", 1, prefetch())]);
    bench.update(bundle("2"));
    bench.finish(is_catalog);
    bench.succeed(first);
    assert_eq!(local(&bench, "a"), Some((1, PackTrust::TransportOnly)));
    bench.finish(is_switch);
    assert_eq!((local(&bench, "a"), local(&bench, "core")), (None, Some((1, PackTrust::Signed))));
}

#[test]
fn a_manifest_says_nothing_when_something_signed_has_become_readable_while_it_was_read() {
    let mut bench = Bench::new(vec![offer("core", 1, prefetch())]);
    bench.install_bundle(bundle("1"));
    bench.finish(is_catalog);
    build(&mut bench);
    let switch = bench.order(is_switch);
    bench.publish(vec![offer("core", 1, prefetch()), offer("music", 1, prefetch())]);
    bench.update(listing("2"));
    bench.order(is_read);
    bench.succeed(switch);
    bench.finish(is_read);
    let failure = |bench: &Bench| {
        let app = bench.state.records().app(&app_id("app")).expect("installed");
        app.check_failure.as_ref().map(|it| it.failure.code.as_str().to_owned())
    };
    assert_eq!(failure(&bench).as_deref(), Some("signedPacks"));
    assert_eq!(local(&bench, "core"), Some((1, PackTrust::Signed)));
    assert!(bench.state.records().pack(&key("music")).is_none());
    // Nor is it asked for as long as that is so, whatever else went wrong before.
    let (app, pack) = (app_id("app"), key("core").pack);
    bench.call(|caller| Event::RemoveRequested { caller, app, pack });
    bench.finish(is_switch);
    bench.periodic();
    let effect = bench.order(is_read);
    bench.hear(Event::CatalogFailed { effect, failure: a_failure(ErrorKind::Network) });
    bench.periodic();
    bench.finish_everything();
    assert_eq!(failure(&bench), None);
}

#[test]
fn what_nobody_signed_leaves_when_something_signed_comes_and_is_not_followed_beside_it() {
    let mut bench = Bench::new(vec![offer("a", 1, essential()), offer("core", 1, essential())]);
    bench.install_bundle(listing("1"));
    bench.finish_everything();
    bench.publish(vec![offer("core", 1, essential()), offer("signed", 1, essential())]);
    bench.update(bundle("2"));
    bench.finish(|order| matches!(order, Order::FetchCatalog { .. }));
    bench.finish(|order| matches!(order, Order::Plan(_)));
    bench.finish(|order| matches!(order, Order::Transfer(_)));
    bench.finish_everything();
    assert_eq!(local(&bench, "a"), None);
    assert_eq!(local(&bench, "signed"), Some((1, PackTrust::Signed)));
    let core = local(&bench, "core").expect("it is the very content that is signed");
    assert_eq!(core, (1, PackTrust::Signed));
    bench.update(listing("3"));
    assert!(!bench.orders().iter().any(|(_, order)| is_read(order)), "it is not even asked for");
    assert_eq!(local(&bench, "signed"), Some((1, PackTrust::Signed)));
}
