//! What a desktop is shown of an installation, with a bus of its own.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use futures::StreamExt as _;
use headstart_model::protocol::apps::{AppInfo, AppState, Info, Install, InstallEvent, Launchable};
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::{Phase, Progress};
use headstart_model::{ErrorKind, Failure};
use zbus::connection::Builder;
use zbus::names::MemberName;
use zbus::{MessageStream, OwnedVariant};

use crate::answers::{APP, app, details, serve};
use crate::fake::{FakeService, Peer};
use crate::world::{Ran, World};

/// Who waits for so long has found a fault, and says so instead of waiting for ever.
const TOO_LONG: Duration = Duration::from_mins(1);

/// What reached the desktop.
#[derive(Debug)]
enum Told {
    /// The address of the entry, progress, and whether it is to be seen.
    Progress(String, f64, bool),
    /// Summary, text, and the entry that it belongs to.
    Notice(String, String, String),
}

/// A bus, and a desktop that listens on it.
struct Desktop {
    daemon: Child,
    address: String,
    told: Receiver<Told>,
}

impl Desktop {
    /// None where there is no `dbus-daemon`.
    fn start(world: &World) -> Option<Self> {
        let socket = world.path("bus");
        let configuration = format!(
            "<busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
             <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            socket.display()
        );
        let file = world.write("bus.conf", configuration);
        let mut command = Command::new("dbus-daemon");
        command.arg(format!("--config-file={}", file.display()));
        command.args(["--nofork", "--nopidfile", "--print-address"]).stdout(Stdio::piped());
        let mut daemon = match command.spawn() {
            Ok(daemon) => daemon,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => panic!("{error}"),
        };
        let mut address = String::new();
        let mut lines = BufReader::new(daemon.stdout.take().unwrap());
        lines.read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        let (tell, told) = channel();
        let (at, listening) = (address.clone(), channel());
        std::thread::spawn(move || listen(&at, &listening.0, &tell));
        listening.1.recv_timeout(TOO_LONG).unwrap();
        Some(Self { daemon, address, told })
    }

    fn next(&self) -> Told {
        self.told.recv_timeout(TOO_LONG).unwrap()
    }

    /// A command that a person types at this desktop.
    fn at_it(&self, mut command: Command) -> Command {
        command.env("XDG_CURRENT_DESKTOP", "test");
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        let _ended = self.daemon.kill();
        let _ended = self.daemon.wait();
    }
}

/// Takes the place of what shows notifications, and hears progress, until the bus is gone.
#[tokio::main(flavor = "current_thread")]
async fn listen(address: &str, listening: &Sender<()>, tell: &Sender<Told>) {
    let connection = Builder::address(address).build().await.unwrap();
    let mut messages = MessageStream::from(&connection);
    let bus = Some("org.freedesktop.DBus");
    let rule = "type='signal',interface='com.canonical.Unity.LauncherEntry',member='Update'";
    connection.call_method(bus, "/org/freedesktop/DBus", bus, "AddMatch", &rule).await.unwrap();
    connection.request_name("org.freedesktop.Notifications").await.unwrap();
    listening.send(()).unwrap();
    while let Some(Ok(message)) = messages.next().await {
        let header = message.header();
        let told = match header.member().map(MemberName::as_str) {
            Some("Update") => {
                let (uri, mut properties): (String, HashMap<String, OwnedVariant>) =
                    message.body().deserialize().unwrap();
                let mut property = |name| properties.remove(name).expect(name);
                let progress = f64::try_from(property("progress")).unwrap();
                let visible = bool::try_from(property("progress-visible")).unwrap();
                Told::Progress(uri, progress, visible)
            }
            Some("Notify") => {
                type Notify = (
                    String,
                    u32,
                    String,
                    String,
                    String,
                    Vec<String>,
                    HashMap<String, OwnedVariant>,
                    i32,
                );
                let (_, _, _, summary, text, _, mut hints, _): Notify =
                    message.body().deserialize().unwrap();
                connection.reply(&header, &1_u32).await.unwrap();
                let entry = hints.remove("desktop-entry").expect("a hint");
                Told::Notice(summary, text, String::try_from(entry).unwrap())
            }
            _ => continue,
        };
        if tell.send(told).is_err() {
            return;
        }
    }
}

fn with_desktop(name: &str, test: impl FnOnce(&World, &Desktop)) {
    let world = World::new();
    match Desktop::start(&world) {
        Some(desktop) => test(&world, &desktop),
        None => crate::servers::skip("dbus", &format!("{name}: there is no dbus-daemon")),
    }
}

fn bundle(world: &World) {
    world.write("bundle/share/icon.png", "an image");
    world.write(
        "bundle/headstart.toml",
        format!(
            "[app]\nid = \"{APP}\"\nname = \"The Game\"\nicon = \"share/icon.png\"\nversion = \"1.0.0\"\n\
             executable = \"bin/game\"\n"
        ),
    );
}

fn entry(world: &World) -> Option<String> {
    std::fs::read_to_string(world.path(&format!("data/applications/{APP}.desktop"))).ok()
}

fn progress(fraction: f64) -> InstallEvent {
    InstallEvent::Progress(Progress {
        phase: Phase::Essential,
        pack: None,
        bytes_done: 1,
        bytes_total: 4,
        bytes_per_second: 0,
        eta_seconds: None,
        fraction,
    })
}

#[test]
fn an_installation_shows_on_the_icon_and_is_announced_when_it_is_ready() {
    with_desktop("installation", |world, desktop| {
        bundle(world);
        let (go_on, may_go_on) = channel();
        let may_go_on = Mutex::new(may_go_on);
        let service = FakeService::start(world, move |call, peer| match call {
            Call::Install(_) => {
                peer.reply_and_go_on::<Install>(&progress(0.259));
                may_go_on.lock().unwrap().recv_timeout(TOO_LONG).unwrap();
                peer.reply_and_go_on::<Install>(&InstallEvent::Launchable(Launchable::default()));
                let app = AppInfo { state: AppState::Launchable, ..details().app };
                peer.reply::<Install>(&InstallEvent::Done(app));
            }
            other => serve(other, peer),
        });
        let mut command = desktop.at_it(service.command(&["app", "install", "bundle", "--json"]));
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let uri = format!("application://{APP}.desktop");
        loop {
            match desktop.next() {
                Told::Progress(of, done, visible) => {
                    assert_eq!((&of, visible), (&uri, true));
                    if (done - 0.25).abs() < 0.001 {
                        break;
                    }
                    assert!(done < 0.001, "{done}");
                }
                told @ Told::Notice(..) => panic!("{told:?}"),
            }
        }
        let text = entry(world).expect("it is there while the app is being installed");
        assert!(text.contains("\nName=The Game\n"), "{text}");
        assert!(text.contains(&format!(" app launch {APP} --wait\n")), "{text}");
        go_on.send(()).unwrap();
        Ran::of(child.wait_with_output().unwrap()).succeeds();
        let last = desktop.next();
        assert!(matches!(last, Told::Progress(_, _, false)), "{last:?}");
        let Told::Notice(summary, text, of) = desktop.next() else {
            panic!("a notice is the last")
        };
        assert_eq!(summary, "The Game is ready");
        assert_eq!((text.as_str(), of.as_str()), ("Version 1.0.0 can be started.", APP));
    });
}

#[test]
fn a_desktop_that_does_not_answer_holds_nothing_up() {
    let world = World::new();
    bundle(&world);
    let service = FakeService::start(&world, serve);
    let mut command = service.command(&["app", "install", "bundle", "--json"]);
    command.env("XDG_CURRENT_DESKTOP", "test");
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus");
    // Exit 1 is what the answers say: a download failed.
    assert_eq!(Ran::of(command.output().unwrap()).code, 1);
    assert!(entry(&world).is_some());
}

#[test]
fn no_entry_is_written_without_a_desktop_or_when_none_is_wanted() {
    let world = World::new();
    bundle(&world);
    let service = FakeService::start(&world, serve);
    service.run(&["app", "install", "bundle"]);
    assert_eq!(entry(&world), None);
    let mut command = service.command(&["app", "install", "bundle", "--no-desktop-entry"]);
    command.env("DISPLAY", ":0").output().unwrap();
    assert_eq!(entry(&world), None);
}

/// The service takes the installation on, and then it fails and is undone.
fn fail(call: Call, peer: &mut Peer) {
    match call {
        Call::Install(_) => {
            peer.reply_and_go_on::<Install>(&progress(0.5));
            peer.fail(Failure::new(ErrorKind::Cancelled, "cancelled", "somebody cancelled it"));
        }
        Call::AppInfo(Info { app: asked }) => {
            assert_eq!(asked, app());
            peer.fail(Failure::new(ErrorKind::NotFound, "appNotFound", "it is not installed"));
        }
        other => serve(other, peer),
    }
}

#[test]
fn an_entry_goes_with_its_app() {
    let world = World::new();
    bundle(&world);
    let at_a_screen = |service: &FakeService<'_>, arguments: &[&str]| {
        let mut command = service.command(arguments);
        Ran::of(command.env("DISPLAY", ":0").output().unwrap())
    };
    {
        let service = FakeService::start(&world, serve);
        at_a_screen(&service, &["app", "install", "bundle"]);
        assert!(entry(&world).is_some());
        // Wherever the person sits when they remove it.
        service.run(&["app", "uninstall", APP]).succeeds();
        assert_eq!(entry(&world), None);
        at_a_screen(&service, &["app", "install", "bundle"]);
        // An update goes on without what has not arrived: the app is there.
        service.run(&["app", "cancel", APP]).succeeds();
        assert!(entry(&world).is_some());
    }
    std::fs::remove_file(world.path("socket")).unwrap();
    let service = FakeService::start(&world, fail);
    let ran = at_a_screen(&service, &["app", "install", "bundle", "--json"]);
    ran.fails(130, "cancelled", "cancelled");
    assert_eq!(entry(&world), None, "a first installation that failed is undone");
}
