//! What limits an app until its first launch. The rows of "Size, transport, allow list and allowances" (concepts 14) are named
//! here; `BAEssentialMaxInstallSize`, `BAMaxInstallSize`, `BAHasManagedAssetPacks` and `BAUsesAppleHosting` are read with the
//! bundle and tested there.

use headstart_model::ContentRequest;
use headstart_model::download::UrlDownload;

use crate::record::{Bundle, Spent, Switch, Trust};
use crate::testing::{
    Bench, answer, app_id, code, essential_file, file, group, is_fetch, limits, number,
    with_extension, with_manifest,
};
use crate::{Effect, Event, ExtensionAnswer, FileLimit, Order, Question, view};

fn at(url: &str) -> UrlDownload {
    UrlDownload { url: url.to_owned(), ..file("a") }
}

fn limit_of(bench: &Bench, identifier: &str) -> Option<FileLimit> {
    bench.orders().into_iter().find_map(|(_, order)| match order {
        Order::FetchFile(transfer) if transfer.request.identifier == identifier => {
            Some(transfer.limit)
        }
        _ => None,
    })
}

/// Bytes that are left, of what is not essential and of what is.
fn left(bench: &Bench) -> (Option<u64>, Option<u64>) {
    let view = view::extension(&bench.state, &app_id("app"), bench.now()).expect("installed");
    (
        view.info.restricted_download_size_remaining,
        view.info.restricted_essential_download_size_remaining,
    )
}

fn restricted(bundle: Bundle, allowance: u64, essential: u64) -> Bundle {
    Bundle { restrictions: Some(limits(allowance, essential)), ..bundle }
}

#[test]
fn row_14_https_only_but_for_development() {
    let loopback = at("http://127.0.0.1:8080/a");
    for (trust, accepted) in
        [(Trust::Ordinary, false), (Trust::Development, true), (Trust::Insecure, true)]
    {
        let mut bench = Bench::launched(Bundle { trust, ..with_extension() });
        let outcome = answer(&bench.schedule(vec![loopback.clone()]));
        assert_eq!(outcome.is_ok(), accepted, "{trust:?}");
    }
}

#[test]
fn row_14_the_manifest_url_is_fetched_at_every_content_request() {
    let mut bench = Bench::asking(with_manifest());
    bench.reply(ExtensionAnswer::Downloads(Vec::new()));
    bench.launch();
    for request in [ContentRequest::Periodic, ContentRequest::LanguageChange] {
        bench.finish_everything();
        bench.request(request);
        assert_eq!(bench.fetching(), ["manifest"]);
        bench.finish(is_fetch);
        bench.reply(ExtensionAnswer::Downloads(Vec::new()));
    }
}

#[test]
fn row_14_restrictions_end_with_the_first_launch_and_an_update_does_not_bring_them_back() {
    let mut bench = Bench::new(Vec::new());
    let bundle = restricted(with_extension(), 0, 0);
    bench.install_bundle(bundle.clone());
    assert_eq!(code(&bench.schedule(vec![file("a")])), 112);
    bench.launch();
    assert_eq!(left(&bench), (None, None));
    let app = app_id("app");
    bench.call(|caller| Event::AppUpdateRequested {
        caller,
        app,
        bundle: Box::new(Bundle { version: "2".to_owned(), ..bundle }),
    });
    bench.finish(|order| matches!(order, Order::PrepareApp { .. }));
    answer(&bench.schedule(vec![file("a")])).expect("it was launched before");
    assert_eq!(limit_of(&bench, "a"), Some(FileLimit::Exactly(100)));
}

#[test]
fn row_14_domain_allow_list_covers_names_and_wildcards() {
    let mut bundle = restricted(with_extension(), 1_000, 0);
    let domains = ["cdn.example.com", "*.assets.example"];
    if let Some(restrictions) = &mut bundle.restrictions {
        let pattern =
            |text: &&str| headstart_model::app_bundle::DomainPattern::new(text).expect("a pattern");
        restrictions.domains = domains.iter().map(pattern).collect();
    }
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(bundle);
    for (url, allowed) in [
        ("https://cdn.example.com/a", true),
        ("https://eu.assets.example/a", true),
        ("https://evil.example/cdn.example.com", false),
        ("https://cdn.example.com.evil.example/a", false),
        ("https://example.com/a", false),
    ] {
        let effects = bench.schedule(vec![at(url)]);
        assert_eq!(answer(&effects).is_ok(), allowed, "{url}");
        if allowed {
            let restrictions = bench.orders().into_iter().find_map(|(_, order)| match order {
                Order::FetchFile(transfer) => transfer.restrictions,
                _ => None,
            });
            assert!(restrictions.is_some(), "redirects are held to the list too");
            let effect = bench.order(is_fetch);
            bench.cancel("a");
            bench.hear(Event::Stopped { effect });
        } else {
            assert_eq!(code(&effects), 202, "{url}");
        }
    }
}

#[test]
fn row_14_download_allowance_bounds_the_sum_and_what_did_not_arrive_is_given_back() {
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(restricted(with_extension(), 300, 0));
    bench.schedule(vec![file("a"), file("b")]);
    assert_eq!(left(&bench), (Some(100), Some(0)));
    bench.finish(is_fetch);
    bench.hear_all();
    assert_eq!(left(&bench).0, Some(100), "what has arrived stays counted");
    let effect = bench.order(is_fetch);
    bench.hear(Event::BytesMoved { effect, bytes_done: 30 });
    bench.cancel("b");
    assert_eq!(left(&bench).0, Some(170), "30 of 100 were transferred");
}

#[test]
fn row_14_what_was_transferred_before_a_restart_stays_counted() {
    // Stopped before the service ended; told again by the transfer that goes on; not told by it.
    for (stopped, told, back) in [(true, false, 40), (false, true, 40), (false, false, 0)] {
        let mut bench = Bench::new(Vec::new());
        bench.install_bundle(restricted(with_extension(), 100, 0));
        bench.schedule(vec![file("a")]);
        bench.bytes_moved(60);
        if stopped {
            let effect = bench.order(is_fetch);
            bench.background(Switch::Off);
            bench.hear(Event::Stopped { effect });
        }
        bench.restart();
        if told {
            bench.bytes_moved(60);
        }
        bench.cancel("a");
        // `Ours:` what nobody can tell counts as transferred.
        assert_eq!(left(&bench).0, Some(back), "{stopped} {told}");
    }
}

#[test]
fn row_14_a_size_that_nobody_has_named_is_bounded_by_what_is_left() {
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(restricted(with_extension(), 300, 0));
    bench.schedule(vec![UrlDownload { file_size: None, ..file("a") }]);
    assert_eq!(limit_of(&bench, "a"), Some(FileLimit::Allowance(300)));
    let effect = bench.order(is_fetch);
    bench.hear(Event::FileFetched { effect, bytes: 120 });
    assert_eq!(left(&bench).0, Some(180));
    bench.launch();
    bench.schedule(vec![UrlDownload { file_size: None, ..file("b") }]);
    assert!(matches!(limit_of(&bench, "b"), Some(FileLimit::Service(_))));
}

#[test]
fn row_14_essential_allowance_bounds_the_essential_sum_alone() {
    let mut bench = Bench::asking(restricted(with_manifest(), 400, 200));
    let list = vec![essential_file("a"), essential_file("b"), file("c"), file("d"), file("e")];
    bench.reply(ExtensionAnswer::Downloads(list));
    assert_eq!(left(&bench), (Some(0), Some(0)), "with 100 bytes of the manifest");
    assert_eq!(code(&bench.schedule(vec![file("f")])), 112);
}

#[test]
fn row_14_the_manifest_passes_the_allowance_check_and_is_charged() {
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(restricted(with_manifest(), 30, 90));
    assert_eq!(limit_of(&bench, "manifest"), Some(FileLimit::Allowance(120)));
    bench.finish(is_fetch);
    let Question::Downloads { info, .. } = bench.question().question else { panic!("asked") };
    assert_eq!(info.restricted_download_size_remaining, Some(0));
    let essential = info.restricted_essential_download_size_remaining;
    assert_eq!(essential, Some(20), "what the one allowance lacks the other one bears");
    let app = bench.state.records().app(&app_id("app")).expect("installed");
    assert_eq!(app.spent, Spent { bytes: 30, essential_bytes: 70 });
}

#[test]
fn row_14_a_manifest_is_held_to_what_is_left_when_it_arrives() {
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(restricted(with_manifest(), 300, 0));
    bench.finish(is_fetch);
    bench.reply(ExtensionAnswer::Downloads(vec![UrlDownload { file_size: None, ..file("a") }]));
    bench.request(ContentRequest::Periodic);
    assert_eq!(bench.fetching(), ["a", "manifest"]);
    assert_eq!(limit_of(&bench, "manifest"), Some(FileLimit::Allowance(200)));
    let effect = bench.order(is_fetch);
    bench.hear(Event::FileFetched { effect, bytes: 150 });
    bench.hear_all();
    bench.finish(is_fetch);
    let Question::Failed { failure, .. } = bench.question().question else { panic!("told") };
    assert_eq!(number(&failure), 204);
    assert_eq!(left(&bench).0, Some(50));
}

#[test]
fn row_14_the_extension_is_told_what_is_left() {
    let bench = Bench::asking(restricted(with_manifest(), 1_000, 500));
    let Question::Downloads { info, .. } = bench.question().question else { panic!("asked") };
    assert_eq!(info.restricted_download_size_remaining, Some(900));
    assert_eq!(info.restricted_essential_download_size_remaining, Some(500));
    let mut bench = Bench::asking(with_manifest());
    let Question::Downloads { info, .. } = bench.question().question else { panic!("asked") };
    assert_eq!(info.restricted_download_size_remaining, None, "nothing limits it");
    bench.reply(ExtensionAnswer::Downloads(Vec::new()));
}

#[test]
fn row_14_app_group_id_names_where_files_are_handed_over() {
    let mut bundle = with_extension();
    bundle.groups.insert(group("group.shared"), Vec::new());
    let mut bench = Bench::launched(bundle);
    let unique_identifier = || "unique".to_owned();
    let of = |id: &str| UrlDownload {
        app_group: group(id),
        unique_identifier: unique_identifier(),
        ..file(id)
    };
    answer(&bench.schedule(vec![of("group.app"), of("group.shared")])).expect("both are its own");
    assert_eq!(code(&bench.schedule(vec![of("group.other")])), 0);
    bench.finish(is_fetch);
    bench.finish(is_fetch);
    bench.heard();
    let effects = bench.heard();
    let discarded = effects.iter().find_map(|effect| match effect {
        Effect::Order { order: Order::DiscardFile { group, .. }, .. } => Some(group.clone()),
        _ => None,
    });
    assert_eq!(discarded, Some(group("group.shared")));
}
