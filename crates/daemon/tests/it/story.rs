//! What a person sees: installation, reading, update, removal.

use headstart::apps::InstallEvent;
use headstart::{Require, Status};
use jiff::Timestamp;

use crate::device::Device;
use crate::publisher::{Files, Policy, Publisher, Web, files};

struct World {
    _folder: tempfile::TempDir,
    publisher: Publisher,
    web: Web,
    device: Device,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(folder.path(), Timestamp::now());
    let archives = [
        publisher.pack("base", Policy::Essential, 1),
        publisher.pack("extra", Policy::Prefetch, 1),
        publisher.pack("music", Policy::OnDemand, 1),
    ];
    publisher.publish(&archives, Timestamp::now());
    let web = Web::serve(&publisher.repository());
    let device = Device::new(folder.path(), &web.url, &publisher.root());
    World { _folder: folder, publisher, web, device }
}

fn read(world: &World, pack: &str, edition: u64) -> Option<Files> {
    world.device.read_pack(pack, files(pack, edition).into_keys())
}

#[test]
fn the_essential_pack_is_here_when_the_installation_ends() {
    let world = world();
    let service = world.device.start(&[]);
    let events = world.device.install().unwrap();
    let fractions: Vec<f64> = events
        .iter()
        .filter_map(|event| match event {
            InstallEvent::Progress(progress) => Some(progress.fraction),
            _ => None,
        })
        .collect();
    assert!(fractions.windows(2).all(|pair| pair[0] <= pair[1]), "{fractions:?}");
    assert!(matches!(events.last(), Some(InstallEvent::Done(_))));
    assert!(read(&world, "base", 1).unwrap() == files("base", 1));
    world.device.ensure(&["extra"], Require::AnyVersion).unwrap();
    assert!(read(&world, "extra", 1).unwrap() == files("extra", 1));
    assert!(read(&world, "music", 1).is_none(), "nobody asked for it");
    world.device.ensure(&["music"], Require::AnyVersion).unwrap();
    assert!(read(&world, "music", 1).unwrap() == files("music", 1));
    service.stop(&world.device);
    // Reading needs no service.
    assert!(read(&world, "music", 1).unwrap() == files("music", 1));
}

#[test]
fn an_update_fetches_only_what_changed_and_is_read_afterwards() {
    let world = world();
    let service = world.device.start(&[]);
    world.device.install().unwrap();
    world.device.ensure(&["extra"], Require::AnyVersion).unwrap();
    let archives = [
        world.publisher.pack("base", Policy::Essential, 2),
        world.publisher.pack("extra", Policy::Prefetch, 2),
    ];
    world.publisher.publish(&archives, Timestamp::now());
    let library = world.device.library().unwrap();
    let old = library.namespace().unwrap();
    let checked = library.check_for_updates().unwrap();
    assert_eq!(checked.updating.len(), 2, "{checked:?}");
    world.device.ensure(&["base", "extra"], Require::LatestVersion).unwrap();
    for pack in ["base", "extra"] {
        assert!(read(&world, pack, 2).unwrap() == files(pack, 2));
        let status = library.status_of(pack).unwrap();
        assert!(status.contains(Status::UP_TO_DATE.with(Status::DOWNLOADED)), "{status:?}");
    }
    // Who still holds the old generation goes on reading the old files.
    let note = old.contents_in("base", "base/note.txt").unwrap();
    assert_eq!(&*note, b"edition 1 of base\n");
    drop((note, old, library));
    let log = service.stop(&world.device);
    assert!(log.contains("way=Delta"), "{log}");
}

#[test]
fn a_removed_pack_comes_back_when_it_is_asked_for() {
    let world = world();
    let service = world.device.start(&[]);
    world.device.install().unwrap();
    world.device.ensure(&["music"], Require::AnyVersion).unwrap();
    let library = world.device.library().unwrap();
    library.remove("music").unwrap();
    assert!(!library.asset_pack_is_available_locally("music"));
    world.device.ensure(&["music"], Require::AnyVersion).unwrap();
    assert!(library.asset_pack_is_available_locally("music"));
    service.stop(&world.device);
}

#[test]
fn a_withdrawn_pack_is_obsolete_and_removed_by_the_next_check() {
    let world = world();
    let service = world.device.start(&[]);
    world.device.install().unwrap();
    world.device.ensure(&["music", "extra"], Require::AnyVersion).unwrap();
    world.publisher.withdraw(&["music"], Timestamp::now());
    let library = world.device.library().unwrap();
    let checked = library.check_for_updates().unwrap();
    assert_eq!(checked.removed.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["music"]);
    assert!(read(&world, "base", 1).unwrap() == files("base", 1));
    service.stop(&world.device);
}

#[test]
fn uninstalling_leaves_nothing_and_installing_again_works() {
    let world = world();
    let service = world.device.start(&[]);
    world.device.install().unwrap();
    let app = headstart::AppId::new(crate::device::APP).unwrap();
    let apps = world.device.apps().unwrap();
    apps.uninstall(&app, headstart::apps::Data::Remove).unwrap();
    assert!(apps.list().unwrap().is_empty());
    assert!(!world.device.home.join("packs").join(crate::device::APP).exists());
    world.device.install().unwrap();
    assert!(read(&world, "base", 1).unwrap() == files("base", 1));
    service.stop(&world.device);
    drop(world.web);
}

#[test]
fn an_encrypted_server_of_this_home_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(folder.path(), Timestamp::now());
    publisher.publish(&[publisher.pack("base", Policy::Essential, 1)], Timestamp::now());
    let authority = folder.path().join("home/authority");
    let web = Web::serve_encrypted(&publisher.repository(), &authority);
    assert!(web.url.starts_with("https://"), "{}", web.url);
    let device = Device::new(folder.path(), &web.url, &publisher.root());
    let service = device.start(&[]);
    // Without --dev: nothing but https is allowed.
    let administrator =
        headstart::Connector::new().home(&device.home).start(headstart::Start::Never);
    let options = headstart::apps::InstallOptions::default();
    let events = administrator.apps_blocking().unwrap().install(&device.bundle, options).unwrap();
    let events: Vec<_> = events.collect::<Result<_, _>>().unwrap();
    assert!(matches!(events.last(), Some(InstallEvent::Done(_))));
    // This program is not the app, and says so to nobody: it asks as an administrator where the file lies.
    let path = headstart_model::PackPath::new("base/file-0.bin").unwrap();
    let found = administrator.packs_blocking().unwrap().locate(&path, None, None).unwrap();
    assert!(std::fs::read(found).unwrap() == files("base", 1)["base/file-0.bin"]);
    administrator.service_blocking().unwrap().stop().unwrap();
    drop(service);
}

#[test]
fn a_service_manager_may_hold_the_socket() {
    let world = world();
    let home = world.device.connector();
    let socket = world.device.home.join("run/socket");
    std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    // The shell hands its own process number on, as a service manager does.
    let script = "export LISTEN_PID=$$ LISTEN_FDS=1; exec 3<&0 0</dev/null; exec \"$1\"";
    let mut child = std::process::Command::new("sh")
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_headstartd")])
        .env("HEADSTART_HOME", &world.device.home)
        .env_remove("HEADSTART_SOCKET")
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove("NOTIFY_SOCKET")
        .stdin(std::os::fd::OwnedFd::from(listener))
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // The socket listens already: the call waits in it until the service takes it.
    let status = home.service_blocking().unwrap().status().unwrap().unwrap();
    assert_eq!(status.pid, child.id());
    world.device.install().unwrap();
    assert!(read(&world, "base", 1).unwrap() == files("base", 1));
    home.service_blocking().unwrap().stop().unwrap();
    assert!(child.wait().unwrap().success());
    assert!(socket.exists(), "the socket is the manager's");
}

#[test]
fn files_that_several_packs_have_are_logged_and_explained() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(folder.path(), Timestamp::now());
    let archives = ["left", "right"].map(|pack| {
        let source = folder.path().join(pack);
        std::fs::create_dir_all(source.join("shared")).unwrap();
        std::fs::write(source.join("shared/readme"), pack).unwrap();
        std::fs::write(source.join("shared").join(pack), pack).unwrap();
        publisher.pack_folder(pack, r#"{"onDemand":{}}"#, &source)
    });
    publisher.publish(&archives, Timestamp::now());
    let web = Web::serve(&publisher.repository());
    let device = Device::new(folder.path(), &web.url, &publisher.root());
    let service = device.start(&[]);
    device.install().unwrap();
    let right = headstart::PackId::new("right").unwrap();
    device.ensure(&["right"], Require::AnyVersion).unwrap();
    let explained = device.packs().unwrap().explain(&right).unwrap();
    assert!(explained.collisions.is_empty(), "it is alone");
    device.ensure(&["left"], Require::AnyVersion).unwrap();
    let explained = device.packs().unwrap().explain(&right).unwrap();
    let [collision] = &explained.collisions[..] else { panic!("{:?}", explained.collisions) };
    assert_eq!(collision.path.as_str(), "shared/readme");
    assert_eq!(collision.packs.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["left", "right"]);
    // The order is the one that is told, and the folder of both is one.
    let library = device.library().unwrap();
    assert_eq!(*library.contents("shared/readme").unwrap(), *b"left");
    let shared = library.path("shared").unwrap();
    assert_eq!(std::fs::read(shared.join("right")).unwrap(), b"right");
    assert_eq!(std::fs::read(shared.join("readme")).unwrap(), b"left");
    let log = service.stop(&device);
    assert!(log.contains("several packs have this file"), "{log}");
}
