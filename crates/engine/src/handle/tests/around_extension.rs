//! What goes wrong around an extension: the second table of "What happens at each failure" (concepts 4.4). Of the rows that
//! need a real service (a manifest that is not https, a size that differs, time and memory of an extension) the half that the
//! engine decides.

use headstart_model::download::UrlDownload;
use headstart_model::{ContentRequest, ErrorKind};

use crate::record::{Bundle, Setting, Switch};
use crate::testing::{
    Bench, DAY_MS, HOUR_MS, SECOND_MS, code, essential_file, failed, file, is_fetch, limits,
    number, told, with_extension, with_manifest,
};
use crate::{
    Class, Effect, Event, ExtensionAnswer, FileLimit, FileUpdate, Notice, Order, Power, Question,
    Reply, view,
};

#[test]
fn row_4_4_the_manifest_fails_and_the_extension_is_told() {
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(with_manifest());
    let effects = bench.fetch_fails(ErrorKind::NotFound);
    assert!(effects.iter().any(|effect| matches!(
        effect,
        Effect::Answer { outcome: Ok(Reply::Launchable { .. }), .. }
    )));
    assert_eq!(bench.subjects(), ["failed manifest"], "and no content request is made");
    bench.heard();
    // What an installation brings is owed, and tried again.
    bench.pass(2 * HOUR_MS);
    assert_eq!(bench.fetching(), ["manifest"]);
    bench.finish(is_fetch);
    assert_eq!(bench.subjects(), ["downloads Install"]);
}

#[test]
fn row_4_4_a_manifest_that_cannot_be_reached_is_tried_a_few_times_while_an_installation_waits() {
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(with_manifest());
    for _ in 0..2 {
        bench.fetch_fails(ErrorKind::Network);
        assert!(!bench.may_launch() && bench.subjects().is_empty());
        bench.pass(5 * SECOND_MS);
    }
    bench.fetch_fails(ErrorKind::Network);
    assert!(bench.may_launch(), "a few seconds are all that it waits");
    assert_eq!(bench.subjects(), ["failed manifest"]);
}

#[test]
fn row_4_4_the_manifest_is_refused_by_the_allowance_check_with_203() {
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(Bundle { restrictions: Some(limits(0, 0)), ..with_manifest() });
    assert!(bench.fetching().is_empty() && bench.may_launch());
    let Question::Failed { failure, .. } = bench.question().question else { panic!("told") };
    assert_eq!(number(&failure), 203);
}

#[test]
fn row_4_4_an_extension_that_returns_nothing_lets_the_installation_complete() {
    let mut bench = Bench::asking(with_manifest());
    assert!(!bench.may_launch());
    bench.reply(ExtensionAnswer::Downloads(Vec::new()));
    assert!(bench.may_launch() && bench.fetching().is_empty());
}

#[test]
fn row_4_4_an_extension_that_is_ended_is_asked_three_times_and_then_done_without() {
    let mut bench = Bench::asking(with_manifest());
    for _ in 0..2 {
        bench.extension_fails(1);
        assert!(bench.subjects().is_empty() && !bench.may_launch());
        bench.pass(5 * SECOND_MS);
        assert_eq!(bench.subjects(), ["downloads Install"]);
    }
    bench.extension_fails(1);
    assert!(bench.may_launch());
    bench.pass(2 * HOUR_MS);
    assert!(bench.subjects().is_empty(), "it is not asked about this again");
}

#[test]
fn row_4_4_an_essential_download_handed_to_the_manager_gives_109() {
    let mut bench = Bench::launched(with_extension());
    assert_eq!(code(&bench.schedule(vec![essential_file("a")])), 109);
}

#[test]
fn row_4_4_an_essential_download_in_a_periodic_answer_gives_109_and_nothing_is_scheduled() {
    for request in [ContentRequest::Periodic, ContentRequest::LanguageChange] {
        let mut bench = Bench::asking(with_manifest());
        bench.reply(ExtensionAnswer::Downloads(Vec::new()));
        bench.launch();
        bench.request(request);
        bench.finish(is_fetch);
        let list = vec![file("a"), essential_file("b")];
        let effects = bench.reply(ExtensionAnswer::Downloads(list));
        let refused = effects.iter().find_map(|effect| match effect {
            Effect::Tell(Notice::Extension { result: Err(failure), .. }) => Some(number(failure)),
            _ => None,
        });
        assert_eq!(refused, Some(109), "{request:?}");
        assert_eq!(bench.state.records().files().count(), 0);
    }
}

#[test]
fn row_4_4_the_exact_size_is_ordered_and_a_file_that_differs_fails_at_once() {
    let mut bench = Bench::asking(with_manifest());
    bench.reply(ExtensionAnswer::Downloads(vec![essential_file("a")]));
    let orders = bench.orders();
    let limit = orders.iter().find_map(|(_, order)| match order {
        Order::FetchFile(transfer) => Some(transfer.limit),
        _ => None,
    });
    assert_eq!(limit, Some(FileLimit::Exactly(100)));
    let effects = bench.fetch_fails(ErrorKind::InvalidInput);
    assert_eq!(failed(&effects), [("a".to_owned(), "offline".to_owned())]);
    assert!(bench.may_launch(), "it has concluded");
}

#[test]
fn row_4_4_a_domain_that_is_not_allow_listed_gives_202_in_an_answer_too() {
    let mut bench =
        Bench::asking(Bundle { restrictions: Some(limits(1_000, 1_000)), ..with_manifest() });
    let elsewhere =
        UrlDownload { url: "https://other.example/a".to_owned(), ..essential_file("a") };
    let effects = bench.reply(ExtensionAnswer::Downloads(vec![elsewhere, file("b")]));
    let [(identifier, FileUpdate::Failed(failure)), ..] = &told(&effects)[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((identifier.as_str(), number(failure)), ("a", 202));
    assert!(bench.may_launch(), "it has concluded");
    assert_eq!(bench.fetching(), ["b"], "the others go on");
}

#[test]
fn row_4_4_over_the_allowance_gives_112_in_an_answer_and_the_rest_goes_on() {
    let mut bench =
        Bench::asking(Bundle { restrictions: Some(limits(250, 150)), ..with_manifest() });
    let list = vec![essential_file("a"), essential_file("b"), file("c"), file("d")];
    let effects = bench.reply(ExtensionAnswer::Downloads(list));
    let refused: Vec<_> = told(&effects)
        .into_iter()
        .filter_map(|(identifier, update)| match update {
            FileUpdate::Failed(failure) => Some((identifier, number(&failure))),
            _ => None,
        })
        .collect();
    // The manifest has taken 100 of the 250 already.
    assert_eq!(refused, [("b".to_owned(), 112), ("d".to_owned(), 112)]);
}

#[test]
fn row_4_4_in_low_power_mode_or_without_background_activity_the_extension_is_not_launched() {
    for off in [true, false] {
        let mut bench = Bench::new(Vec::new());
        if off {
            bench.background(Switch::Off);
        } else {
            bench.power(Power::Low);
        }
        bench.install_bundle(with_manifest());
        assert!(bench.subjects().is_empty() && bench.fetching().is_empty() && bench.may_launch());
        bench.launch();
        bench.request(ContentRequest::Periodic);
        assert!(bench.subjects().is_empty() && bench.fetching().is_empty());
        bench.background(Switch::On);
        bench.power(Power::Normal);
        bench.finish(is_fetch);
        assert_eq!(bench.subjects(), ["downloads Install"], "what an installation brings is owed");
    }
}

#[test]
fn row_4_4_an_app_is_launched_before_its_essential_downloads_where_in_app_content_is_off() {
    let mut bench = Bench::new(Vec::new());
    bench.set(Setting::InAppContent(Switch::Off));
    bench.install_bundle(with_manifest());
    assert!(bench.may_launch() && bench.fetching().is_empty() && bench.subjects().is_empty());
    bench.pass(2 * DAY_MS);
    assert!(bench.fetching().is_empty(), "not before the first launch");
    bench.launch();
    bench.finish(is_fetch);
    assert_eq!(bench.subjects(), ["downloads Install"]);
    bench.reply(ExtensionAnswer::Downloads(vec![essential_file("a")]));
    assert!(bench.may_launch(), "nothing blocks an app that was launched");
    let class = view::queue(&bench.state, None, None, 1)[0].class;
    assert_eq!(class, Class::Nonessential);
}

/// The number of the failure that the extension is told of its manifest.
fn told_of_manifest(bench: &Bench) -> i64 {
    assert_eq!(bench.subjects(), ["failed manifest"]);
    let Question::Failed { failure, .. } = bench.question().question else { panic!("told") };
    number(&failure)
}

#[test]
fn row_4_4_a_manifest_from_a_host_that_is_not_listed_gives_202() {
    let mut bench = Bench::new(Vec::new());
    let manifest = Some("https://other.example/manifest.json".to_owned());
    let restrictions = Some(limits(1_000, 0));
    bench.install_bundle(Bundle { manifest, restrictions, ..with_manifest() });
    assert!(bench.fetching().is_empty() && bench.may_launch());
    assert_eq!(told_of_manifest(&bench), 202);
}

#[test]
fn row_4_4_a_manifest_larger_than_both_allowances_leave_gives_204() {
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(Bundle { restrictions: Some(limits(30, 40)), ..with_manifest() });
    let effect = bench.order(is_fetch);
    let arrived = Event::FileFetched { effect, bytes: 71 };
    bench.hear(arrived);
    assert!(bench.may_launch(), "the installation goes on without content");
    assert_eq!(told_of_manifest(&bench), 204);
}
