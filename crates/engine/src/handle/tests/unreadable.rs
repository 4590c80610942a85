//! Packs that a plain download manifest lists, and whose archives could not be looked at (packs 4.1).

use headstart_model::catalog::CatalogPack;
use headstart_model::{DownloadPolicy, ErrorKind, Failure, Language, PackId};

use crate::record::{Bundle, Freshness};
use crate::testing::{
    Bench, HOUR_MS, a_failure, answer, app_id, essential, is_read, key, listing, offer, prefetch,
    with_extension,
};
use crate::{CancelTarget, Event, ExtensionAnswer, Order, Question, Reply, Terms, view};

fn id(pack: &str) -> PackId {
    key(pack).pack
}

fn in_language(pack: &str, language: &str) -> CatalogPack {
    let language = Some(language.parse::<Language>().expect("a tag"));
    CatalogPack { language, ..offer(pack, 1, essential()) }
}

fn local(bench: &Bench, pack: &str) -> Option<u64> {
    view::pack(&bench.state, &key(pack))?.local_version.map(|version| version.0)
}

fn missed(bench: &Bench, pack: &str) -> Option<Failure> {
    bench.state.records().pack(&key(pack)).and_then(|pack| pack.missed.clone())
}

fn has_download(bench: &Bench, pack: &str) -> bool {
    bench.state.records().pack(&key(pack)).is_some_and(|pack| pack.download.is_some())
}

fn remove(bench: &mut Bench, pack: &str) {
    let (app, pack) = (app_id("app"), id(pack));
    bench.call(|caller| Event::RemoveRequested { caller, app, pack });
}

/// A bench on which the archives of `unreadable` cannot be looked at.
fn bench_without(catalog: Vec<CatalogPack>, unreadable: &[&str], kind: ErrorKind) -> Bench {
    let mut bench = Bench::new(catalog);
    bench.unreadable = unreadable.iter().map(|pack| (id(pack), a_failure(kind))).collect();
    bench
}

/// Lets the next attempt come at the archives that could not be looked at.
fn look_again(bench: &mut Bench) {
    bench.pass(2 * HOUR_MS);
    bench.order(is_read);
    bench.settle();
}

#[test]
fn an_essential_one_is_missed_with_the_reason_and_comes_later() {
    let mut bench =
        bench_without(vec![offer("core", 1, essential())], &["core"], ErrorKind::NotFound);
    bench.install_bundle(listing("1"));
    bench.finish(is_read);
    assert!(bench.may_launch(), "the installation goes on without");
    assert_eq!(missed(&bench, "core"), Some(a_failure(ErrorKind::NotFound)));
    bench.unreadable.clear();
    look_again(&mut bench);
    assert_eq!(local(&bench, "core"), Some(1));
    // What is local stays when its next archive cannot be looked at.
    bench.publish(vec![offer("core", 2, essential())]);
    bench.unreadable.insert(id("core"), a_failure(ErrorKind::NotFound));
    bench.periodic();
    bench.settle();
    assert_eq!(local(&bench, "core"), Some(1));
}

#[test]
fn what_is_owed_to_one_pack_brings_no_other_back() {
    let catalog = vec![
        offer("core", 1, essential()),
        offer("music", 1, prefetch()),
        offer("maps", 1, prefetch()),
        offer("old", 1, prefetch()),
    ];
    let mut bench = bench_without(catalog, &["core"], ErrorKind::Network);
    bench.install_bundle(listing("1"));
    bench.finish(is_read);
    let (app, pack) = (app_id("app"), id("maps"));
    let target = CancelTarget::Pack(app, pack);
    bench.call(|caller| Event::CancelRequested { caller, target });
    bench.settle();
    remove(&mut bench, "music");
    bench.settle();
    look_again(&mut bench);
    let of = |bench: &Bench| ["core", "music", "maps", "old"].map(|pack| local(bench, pack));
    assert_eq!(of(&bench), [None, None, None, Some(1)]);
    // One that is obsolete goes meanwhile.
    bench.publish(bench.catalog.1[..3].to_vec());
    bench.periodic();
    bench.settle();
    assert_eq!(of(&bench), [None; 4]);
    bench.unreadable.clear();
    look_again(&mut bench);
    assert_eq!(of(&bench), [Some(1), None, None, None]);
}

#[test]
fn one_that_was_removed_or_that_another_language_has_is_not_owed() {
    let catalog = vec![
        offer("core", 1, essential()),
        in_language("voices-de", "de"),
        in_language("voices-fr", "fr"),
    ];
    let all = ["core", "voices-de", "voices-fr"];
    let mut bench = bench_without(catalog, &all, ErrorKind::InvalidInput);
    bench.install_bundle(Bundle { languages: vec!["de".parse().expect("a tag")], ..listing("1") });
    bench.finish(is_read);
    assert!(missed(&bench, "core").is_some() && missed(&bench, "voices-de").is_some());
    assert_eq!(missed(&bench, "voices-fr"), None);
    let app = app_id("app");
    let effects = bench.call(|caller| Event::ReconcileRequested { caller, app });
    let Ok(Reply::Reconciled { failed, .. }) = answer(&effects) else { panic!("it is answered") };
    assert_eq!(failed.into_keys().collect::<Vec<_>>(), [id("voices-de")]);
    remove(&mut bench, "core");
    bench.restart();
    bench.settle();
    bench.unreadable.clear();
    look_again(&mut bench);
    let of = |bench: &Bench| all.map(|pack| local(bench, pack));
    assert_eq!(of(&bench), [None, Some(1), None]);
}

#[test]
fn the_update_of_a_local_pack_comes_as_soon_as_its_archive_can_be_read() {
    for kind in [ErrorKind::Network, ErrorKind::InvalidInput] {
        let mut bench = bench_without(vec![offer("core", 1, essential())], &[], kind);
        bench.install_bundle(listing("1"));
        bench.finish_everything();
        bench.publish(vec![offer("core", 2, essential())]);
        bench.unreadable.insert(id("core"), a_failure(kind));
        bench.periodic();
        bench.settle();
        assert!(local(&bench, "core") == Some(1) && !has_download(&bench, "core"));
        // A new life looks again too.
        bench.restart();
        bench.settle();
        bench.unreadable.clear();
        look_again(&mut bench);
        assert_eq!(local(&bench, "core"), Some(2), "{kind:?}");
    }
}

#[test]
fn the_update_that_somebody_asked_for_and_cancelled_does_not_come_with_a_late_archive() {
    let mut bench =
        bench_without(vec![offer("core", 1, DownloadPolicy::on_demand())], &[], ErrorKind::Network);
    bench.install_bundle(listing("1"));
    bench.settle();
    let terms = Terms { freshness: Freshness::Latest, ..Terms::from(Freshness::Any) };
    let ensure = |bench: &mut Bench| {
        let (app, packs) = (app_id("app"), vec![id("core")]);
        bench.call(|caller| Event::EnsureRequested { caller, app, packs, terms });
    };
    ensure(&mut bench);
    bench.settle();
    assert_eq!(local(&bench, "core"), Some(1));
    bench.publish(vec![offer("core", 2, essential())]);
    ensure(&mut bench);
    bench.finish(is_read);
    // Meanwhile the next version is listed, and cannot be looked at.
    bench.publish(vec![offer("core", 3, essential())]);
    bench.unreadable.insert(id("core"), a_failure(ErrorKind::Network));
    bench.periodic();
    bench.finish(is_read);
    assert!(has_download(&bench, "core"));
    let target = CancelTarget::Pack(app_id("app"), id("core"));
    bench.call(|caller| Event::CancelRequested { caller, target });
    bench.settle();
    bench.unreadable.clear();
    look_again(&mut bench);
    assert_eq!(local(&bench, "core"), Some(1));
    bench.periodic();
    bench.finish_everything();
    assert_eq!(local(&bench, "core"), Some(3), "a regular check brings it");
}

#[test]
fn an_extension_is_asked_about_the_late_pack_alone() {
    let catalog = vec![offer("core", 1, essential()), offer("music", 1, prefetch())];
    for dropped in [Vec::new(), vec![id("core")]] {
        let mut bench = bench_without(catalog.clone(), &["core"], ErrorKind::Network);
        let groups = with_extension().groups;
        bench.install_bundle(Bundle { extension: true, groups, ..listing("1") });
        bench.finish(is_read);
        bench.reply(ExtensionAnswer::Dropped(vec![id("music")]));
        bench.settle();
        bench.unreadable.clear();
        look_again(&mut bench);
        let asked = |bench: &Bench| match bench.question().question {
            Question::ShouldDownload { packs, .. } => {
                packs.into_iter().map(|pack| pack.id).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(asked(&bench), [id("core")]);
        bench.restart();
        assert_eq!(asked(&bench), [id("core")], "a new life asks the same");
        bench.reply(ExtensionAnswer::Dropped(dropped.clone()));
        bench.settle();
        let comes = dropped.is_empty().then_some(1);
        assert_eq!((local(&bench, "core"), local(&bench, "music")), (comes, None));
        assert!(!bench.orders().iter().any(|(_, order)| matches!(order, Order::Plan(_))));
    }
}

#[test]
fn what_an_update_brings_is_asked_about_though_a_late_question_is_open() {
    let catalog = vec![offer("core", 1, essential()), offer("music", 1, prefetch())];
    let mut bench = bench_without(catalog, &["core"], ErrorKind::Network);
    let groups = with_extension().groups;
    let bundle = |version| Bundle { extension: true, groups: groups.clone(), ..listing(version) };
    bench.install_bundle(bundle("1"));
    bench.finish(is_read);
    bench.reply(ExtensionAnswer::Dropped(vec![id("music")]));
    bench.settle();
    bench.unreadable.clear();
    look_again(&mut bench);
    bench.update(bundle("2"));
    bench.settle();
    assert!(!has_download(&bench, "music") && !bench.may_launch(), "nobody has said so");
    // The late one, and then what the update selects.
    bench.reply(ExtensionAnswer::Dropped(Vec::new()));
    bench.settle();
    assert_eq!((local(&bench, "core"), bench.may_launch()), (Some(1), false));
    bench.reply(ExtensionAnswer::Dropped(vec![id("music")]));
    bench.settle();
    assert!(bench.may_launch() && local(&bench, "music").is_none());
}
