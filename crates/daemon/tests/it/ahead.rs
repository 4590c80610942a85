//! Files that are read before their pack is there, with the real service and a server that holds back the rest.

use std::io::Read as _;

use headstart::{ErrorKind, Require};
use headstart_serve::{Fault, FaultKind, Script};
use jiff::Timestamp;

use crate::device::{Device, Service};
use crate::publisher::{Publisher, Web, noise};

const LARGE_BYTES: usize = 6 << 20;
const SMALL_BYTES: usize = 1 << 20;
/// Nothing that begins before it in the bundle comes; the small file lies behind it.
const HELD_BACK_BYTES: u64 = 5 << 20;

struct World {
    web: Web,
    device: Device,
    service: Service,
    _folder: tempfile::TempDir,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(folder.path(), Timestamp::now());
    let source = folder.path().join("films");
    std::fs::create_dir_all(&source).unwrap();
    std::fs::write(source.join("a.bin"), noise(1, LARGE_BYTES)).unwrap();
    std::fs::write(source.join("empty"), b"").unwrap();
    std::fs::write(source.join("z.bin"), noise(2, SMALL_BYTES)).unwrap();
    let archive = publisher.pack_folder("films", r#"{"onDemand":{}}"#, &source);
    publisher.publish(&[archive], Timestamp::now());
    let web = Web::serve(&publisher.repository());
    let device = Device::new(folder.path(), &web.url, &publisher.root());
    let service = device.start(&[]);
    device.install().unwrap();
    World { web, device, service, _folder: folder }
}

/// Answers that begin early in a bundle fall silent after a few bytes.
fn hold_back(web: &Web) {
    web.faults.set_script(Script::new(|request| {
        let start = request.range?.strip_prefix("bytes=")?.split('-').next()?;
        let early = start.parse::<u64>().ok()? < HELD_BACK_BYTES;
        let held_back = early && request.path.contains("bundles/");
        held_back.then_some(Fault::after_bytes(FaultKind::Stall, 1000))
    }));
}

#[test]
fn a_file_is_read_to_its_end_while_its_pack_cannot_arrive() {
    let World { web, device, service, _folder } = world();
    hold_back(&web);
    let library = device.library().unwrap();
    let mut small = library.read_ahead("films", "z.bin").unwrap();
    let mut bytes = Vec::new();
    small.read_to_end(&mut bytes).unwrap();
    assert!(bytes == noise(2, SMALL_BYTES));
    assert!(!library.asset_pack_is_available_locally("films"), "it cannot have arrived");

    // The service dies; what is open is read on, and by the next one to its end.
    service.kill();
    web.faults.clear();
    let mut part = vec![0; 1000];
    assert_eq!(small.read_at(5000, &mut part).unwrap(), 1000);
    assert!(part == noise(2, SMALL_BYTES)[5000..6000]);
    let service = device.start(&[]);
    let mut large = library.read_ahead("films", "a.bin").unwrap();
    let mut bytes = Vec::new();
    large.read_to_end(&mut bytes).unwrap();
    assert!(bytes == noise(1, LARGE_BYTES));

    device.ensure(&["films"], Require::AnyVersion).unwrap();
    for (file, path) in [(&small, "z.bin"), (&large, "a.bin")] {
        let installed = library.contents_in("films", path).unwrap();
        let mut again = vec![0; installed.len()];
        assert_eq!(file.read_at(0, &mut again).unwrap(), installed.len());
        assert!(again == *installed);
    }
    let mut installed = library.read_ahead("films", "empty").unwrap();
    assert_eq!(installed.read_to_end(&mut Vec::new()).unwrap(), 0);
    service.stop(&device);
}

#[test]
fn who_waits_for_what_does_not_come_is_told_why() {
    let World { web, device, service, _folder } = world();
    hold_back(&web);
    let library = device.library().unwrap();
    let failed = |path| library.read_ahead("films", path).unwrap_err();
    let error = failed("b.bin");
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, "fileNotFound"));
    assert!(error.to_string().contains("films"), "{error}");

    // One that cannot arrive, until somebody cancels the pack.
    library.read_ahead("films", "z.bin").unwrap();
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| failed("a.bin"));
        while !waiting.is_finished() {
            library.cancel("films").unwrap();
            std::thread::yield_now();
        }
        waiting.join().unwrap()
    });
    assert_eq!(waiting.kind(), ErrorKind::Cancelled, "{waiting}");

    let none = library.read_ahead("music", "a").unwrap_err();
    assert_eq!(none.code(), "assetPackNotFound");
    service.stop(&device);
}
