//! Files that are handed over, with the real service.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;

use headstart::packs::{Repair, VerifyEvent};
use headstart::{Error, Overwrite, Require};
use headstart_model::protocol::message::{Answer, encode_call};
use headstart_model::protocol::packs::Consume;
use headstart_model::protocol::service::{Hello, PROTOCOL_NEWEST, PROTOCOL_OLDEST};
use headstart_sys::dirs::Home;
use jiff::Timestamp;

use crate::device::{APP, Device};
use crate::local_pack::{World, world};
use crate::publisher::{Policy, files};

const FILE: &str = "music/file-1.bin";

impl World {
    /// Where the file lies in the installed pack.
    fn installed(&self) -> std::path::PathBuf {
        let pack = self.device.home.join("packs").join(APP).join("music");
        let version = std::fs::read_dir(pack).unwrap().next().unwrap().unwrap().path();
        version.join("files").join(FILE)
    }

    fn damaged(&self, repair: Repair) -> Vec<String> {
        for event in self.device.packs().unwrap().verify(&[], repair).unwrap() {
            if let VerifyEvent::Done(outcome) = event.unwrap() {
                assert!(outcome.failures.is_empty(), "{outcome:?}");
                let files = outcome.packs.iter().flat_map(|pack| &pack.damaged_files);
                return files.map(ToString::to_string).collect();
            }
        }
        panic!("no result");
    }

    fn finish(self) {
        self.service.stop(&self.device);
        drop(self.web);
    }
}

/// The answer to a call of an administrator, who then does nothing with it.
fn answer(device: &Device, call: &Consume) -> serde_json::Value {
    let home = Home::at(&device.home).unwrap();
    let mut stream = BufReader::new(UnixStream::connect(home.socket().path()).unwrap());
    let hello = Hello {
        oldest_protocol: PROTOCOL_OLDEST,
        newest_protocol: PROTOCOL_NEWEST,
        home: device.home.to_str().unwrap().to_owned(),
        client_name: "dies".to_owned(),
        client_pid: std::process::id(),
        app: None,
        app_token: None,
        languages: Vec::new(),
    };
    let mut answer = serde_json::Value::Null;
    for bytes in [encode_call(&hello, Answer::Once), encode_call(call, Answer::Once)] {
        stream.get_mut().write_all(&bytes.unwrap()).unwrap();
        let mut frame = Vec::new();
        stream.read_until(0, &mut frame).unwrap();
        frame.pop();
        answer = serde_json::from_slice(&frame).unwrap();
    }
    answer
}

fn code(result: Result<(), Error>) -> String {
    result.unwrap_err().code().to_owned()
}

#[test]
fn a_consumed_file_is_moved_and_nobody_misses_it() {
    let world = world();
    let library = world.device.library().unwrap();
    let before = {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata(world.installed()).unwrap().ino()
    };
    assert!(library.contents(FILE).is_ok(), "the library has the namespace open");
    let to = world.folder.path().join("mine.bin");
    library.consume(FILE, &to).unwrap();
    assert!(std::fs::read(&to).unwrap() == files("music", 1)[FILE]);
    {
        use std::os::unix::fs::MetadataExt as _;
        assert_eq!(std::fs::metadata(&to).unwrap().ino(), before, "moved, not copied");
    }
    std::fs::write(&to, b"mine to write to").unwrap();
    assert!(!world.installed().exists());
    assert_eq!(library.contents(FILE).unwrap_err().code(), "fileNotFound");
    assert!(library.contents("music/file-0.bin").is_ok());
    assert_eq!(code(library.consume(FILE, &world.folder.path().join("other"))), "fileNotFound");
    assert!(world.damaged(Repair::Report).is_empty(), "it is not missed");
    // What is damaged beside it is healed, and it does not come back.
    std::fs::remove_file(world.installed().with_file_name("note.txt")).unwrap();
    assert_eq!(world.damaged(Repair::Repair), ["music/note.txt"]);
    assert!(!world.installed().exists());
    assert!(library.asset_pack_is_available_locally("music"));
    drop(library);
    world.finish();
}

#[test]
fn who_holds_an_older_generation_goes_on_reading_a_consumed_file() {
    let world = world();
    let library = world.device.library().unwrap();
    let held = library.namespace().unwrap();
    let to = world.folder.path().join("mine.bin");
    library.consume(FILE, &to).unwrap();
    std::fs::write(&to, b"changed").unwrap();
    assert!(*held.contents(FILE).unwrap() == files("music", 1)[FILE], "by an older generation");
    assert_eq!(library.contents(FILE).unwrap_err().code(), "fileNotFound");
    drop(held);
    assert!(world.damaged(Repair::Report).is_empty());
    assert!(!world.installed().exists(), "it went when nobody could read it any more");
    drop(library);
    world.finish();
}

#[test]
fn the_next_version_brings_a_consumed_file_again() {
    let world = world();
    let library = world.device.library().unwrap();
    library.consume(FILE, &world.folder.path().join("mine.bin")).unwrap();
    let archive = world.publisher.pack("music", Policy::OnDemand, 2);
    world.publisher.publish(&[archive], Timestamp::now());
    world.device.ensure(&["music"], Require::LatestVersion).unwrap();
    assert!(*library.contents(FILE).unwrap() == files("music", 2)[FILE]);
    let second = world.folder.path().join("second.bin");
    library.consume(FILE, &second).unwrap();
    assert!(std::fs::read(second).unwrap() == files("music", 2)[FILE]);
    // Removing the pack and asking for it again brings it, too.
    library.remove("music").unwrap();
    world.device.ensure(&["music"], Require::AnyVersion).unwrap();
    assert!(*library.contents(FILE).unwrap() == files("music", 2)[FILE]);
    drop(library);
    world.finish();
}

#[test]
fn what_cannot_be_put_in_its_place_stays_in_the_pack_or_is_given_again() {
    let world = world();
    let library = world.device.library().unwrap();
    let taken = world.folder.path().join("taken");
    std::fs::write(&taken, b"here already").unwrap();
    assert_eq!(code(library.consume(FILE, &taken)), "destinationExists");
    assert_eq!(code(library.consume(FILE, &taken.join("x"))), "destinationMissing");
    assert_eq!(code(library.consume("music", &world.folder.path().join("x"))), "fileNotFound");
    assert!(library.contents(FILE).is_ok(), "it is in the pack still");
    // As if the program had died before it moved the file away.
    let call = Consume {
        app: None,
        path: headstart_model::PackPath::new(FILE).unwrap(),
        pack: None,
        language: None,
    };
    let handed = answer(&world.device, &call);
    assert!(std::path::Path::new(handed["parameters"]["path"].as_str().unwrap()).is_file());
    let to = world.folder.path().join("mine.bin");
    library.consume(FILE, &to).unwrap();
    assert!(std::fs::read(&to).unwrap() == files("music", 1)[FILE]);
    drop(library);
    world.finish();
}

#[test]
fn a_checkout_follows_the_updates_of_its_pack() {
    let world = world();
    let library = world.device.library().unwrap();
    let to = world.folder.path().join("checkout");
    let first = library.checkout("music", &to, Overwrite::Refused).unwrap();
    assert_eq!((first.version.0, first.files, first.written), (1, 4, 4));
    let archive = world.publisher.pack("music", Policy::OnDemand, 2);
    world.publisher.publish(&[archive], Timestamp::now());
    world.device.ensure(&["music"], Require::LatestVersion).unwrap();
    let second = library.checkout("music", &to, Overwrite::Refused).unwrap();
    assert_eq!((second.version.0, second.removed), (2, 1));
    for (path, bytes) in files("music", 2) {
        assert!(std::fs::read(to.join(&path)).unwrap() == bytes, "{path}");
    }
    assert!(!to.join("music/file-2.bin").exists());
    drop(library);
    world.finish();
}
