//! What launchers and command lines do.

use std::path::Path;

use futures_lite::StreamExt as _;
use futures_lite::future::block_on;
use headstart::apps::{
    AppInfo, AppState, Data, InstallEvent, InstallOptions, Launch, LaunchEvent, Launchable,
    WhilePending,
};
use headstart::packs::{EnsureEvent, EnsureOutcome, Repair, Verification, VerifyEvent};
use headstart::service::{ServiceStatus, Stopped};
use headstart::{ErrorKind, Failure, Headers, PackFailure, Require, Urgency};
use headstart_model::Until;
use headstart_model::protocol::apps::{Install, PrepareLaunch, Uninstall, Uninstalled};
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::packs::{Ensure, Verify};
use headstart_model::protocol::service::{Status, Stop, Stopping};

use crate::fake_service::{Device, FakeService, Peer, Then};
use crate::samples::{app, failure, pack, pack_id, progress};

fn installed() -> AppInfo {
    AppInfo {
        id: app(),
        version: "1.0".to_owned(),
        state: AppState::Launchable,
        essential_pending: 0,
    }
}

fn install_events() -> Vec<InstallEvent> {
    let failed = vec![PackFailure { pack: pack_id("a"), failure: failure() }];
    vec![
        InstallEvent::Progress(progress(0.25)),
        InstallEvent::Launchable(Launchable { failed, ..Launchable::default() }),
        InstallEvent::Done(installed()),
    ]
}

fn launch() -> Launch {
    Launch {
        executable: "/bundle/game".to_owned(),
        folder: "/bundle".to_owned(),
        environment: [("HEADSTART_APP_TOKEN".to_owned(), "secret".to_owned())].into(),
    }
}

fn serve(call: &Call, peer: &mut Peer) -> Then {
    match call {
        Call::Install(_) => {
            let [first, second, last] = &install_events()[..] else { panic!("there are three") };
            peer.reply_and_go_on::<Install>(first);
            peer.reply_and_go_on::<Install>(second);
            peer.reply::<Install>(last);
        }
        Call::PrepareLaunch(PrepareLaunch { wait: true, .. }) => {
            peer.reply::<PrepareLaunch>(&LaunchEvent::Ready(launch()));
        }
        Call::PrepareLaunch(_) => {
            peer.fail(Failure::new(ErrorKind::Refused, "essentialPending", "1 pack is pending"));
        }
        Call::Uninstall(_) => peer.reply::<Uninstall>(&Uninstalled {}),
        Call::Ensure(_) => {
            peer.reply_and_go_on::<Ensure>(&EnsureEvent::Progress(progress(0.5)));
            let outcome = EnsureOutcome { successes: vec![pack("a")], failures: Vec::new() };
            peer.reply::<Ensure>(&EnsureEvent::Done(outcome));
        }
        Call::Verify(_) => {
            peer.reply::<Verify>(&VerifyEvent::Done(Verification::default()));
        }
        Call::ServiceStatus(_) => peer.reply::<Status>(&status()),
        Call::Stop(_) => {
            peer.reply::<Stop>(&Stopping {});
            return Then::HangUp;
        }
        _ => return Then::HangUp,
    }
    Then::KeepOpen
}

fn status() -> ServiceStatus {
    ServiceStatus {
        pid: 7,
        version: "0.1.0".to_owned(),
        home: "/home".to_owned(),
        uptime_seconds: 3,
    }
}

fn headers() -> Headers {
    [("Authorization", "Bearer abc")].into_iter().collect()
}

#[test]
fn an_installation_tells_its_events_in_order() {
    let device = Device::new();
    let service = FakeService::start(&device, serve);
    let apps = device.connector().apps_blocking().unwrap();
    let options = InstallOptions { dev: true, ..InstallOptions::default() };
    let options = InstallOptions { headers: headers(), ..options };
    let events: Vec<_> =
        apps.install(Path::new("bundle"), options.clone()).unwrap().map(Result::unwrap).collect();
    assert_eq!(events, install_events());
    let bundle = std::env::current_dir().unwrap().join("bundle");
    let install = Install {
        bundle: bundle.to_str().unwrap().to_owned(),
        copy: false,
        dev: true,
        insecure: false,
        headers: headers(),
    };
    assert_eq!(service.calls(), [Call::Install(install)]);

    let streamed = block_on(async {
        let apps = device.connector().apps().unwrap();
        let events = apps.install(&bundle, options).await.unwrap();
        events.map(Result::unwrap).collect::<Vec<_>>().await
    });
    assert_eq!(streamed, install_events());
}

#[test]
fn a_launch_is_refused_while_essential_packs_are_pending_unless_one_waits() {
    let device = Device::new();
    let _service = FakeService::start(&device, serve);
    let apps = device.connector().apps_blocking().unwrap();
    let refused = apps.prepare_launch(&app(), WhilePending::Refuse).unwrap().next();
    assert_eq!(refused.unwrap().unwrap_err().code(), "essentialPending");
    let events: Vec<_> =
        apps.prepare_launch(&app(), WhilePending::Wait).unwrap().map(Result::unwrap).collect();
    assert_eq!(events, [LaunchEvent::Ready(launch())]);
}

#[test]
fn uninstalling_says_what_becomes_of_the_packs() {
    let device = Device::new();
    let service = FakeService::start(&device, serve);
    let apps = device.connector().apps_blocking().unwrap();
    apps.uninstall(&app(), Data::Remove).unwrap();
    block_on(device.connector().apps().unwrap().uninstall(&app(), Data::Keep)).unwrap();
    let uninstall = |keep_data| Call::Uninstall(Uninstall { app: app(), keep_data });
    assert_eq!(service.calls(), [uninstall(false), uninstall(true)]);
}

#[test]
fn packs_of_any_app_are_ensured_and_verified() {
    let device = Device::new();
    let service = FakeService::start(&device, serve);
    let packs = device.connector().on_behalf_of(app()).packs_blocking().unwrap();
    let events = packs.ensure(&[pack_id("a")], Require::LatestVersion).unwrap();
    let events: Vec<_> = events.map(Result::unwrap).collect();
    assert!(matches!(&events[..], [EnsureEvent::Progress(_), EnsureEvent::Done(_)]));
    let events: Vec<_> = packs.verify(&[], Repair::Repair).unwrap().map(Result::unwrap).collect();
    assert_eq!(events, [VerifyEvent::Done(Verification::default())]);
    let ensure = Ensure {
        app: Some(app()),
        packs: vec![pack_id("a")],
        latest: true,
        urgency: Urgency::Foreground,
        until: Until::All,
    };
    let verify = Verify { app: Some(app()), packs: Vec::new(), repair: Repair::Repair };
    assert_eq!(service.calls(), [Call::Ensure(ensure), Call::Verify(verify)]);
}

#[test]
fn asking_for_the_status_starts_nothing() {
    let device = Device::new();
    let nowhere = device.file("no-such-program");
    let connector = device.connector().start(headstart::Start::IfNeeded).daemon(nowhere);
    let service = connector.service_blocking().unwrap();
    assert_eq!(service.status().unwrap(), None);
    assert_eq!(service.stop().unwrap(), Stopped::WasNotRunning);
    assert_eq!(block_on(connector.service().unwrap().status()).unwrap(), None);
}

#[test]
fn stopping_returns_when_the_service_is_gone() {
    let device = Device::new();
    let running = FakeService::start(&device, serve);
    let service = device.connector().service_blocking().unwrap();
    assert_eq!(service.status().unwrap(), Some(status()));
    assert_eq!(service.start().unwrap(), status());
    assert_eq!(service.stop().unwrap(), Stopped::Now);
    drop(running);
    let error = service.start().unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "serviceNotRunning"));
    assert_eq!(error.hint(), Some("start it with `headstart service run`"));
}
