//! Files of packs that are on their way.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Mutex;

use headstart::{ErrorKind, PackVersion};
use headstart_model::Digest;
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::packs::{ArrivedPart, ReadAhead, Readable};

use crate::fake_service::{Device, FakeService, Then};
use crate::samples::failure;

fn part(file: &Path, version: u64, end: u64) -> Readable {
    let file = file.to_str().unwrap().to_owned();
    let content = Digest::of(&version.to_le_bytes());
    let version = PackVersion(version);
    let (device, inode) = (0, 0);
    Readable::Arrived(ArrivedPart { file, device, inode, version, content, size: 10, end })
}

/// The same version number with other content: of a repository that was made anew.
fn made_anew(readable: Readable) -> Readable {
    match readable {
        Readable::Arrived(part) => {
            Readable::Arrived(ArrivedPart { content: Digest::of(b"anew"), ..part })
        }
        installed @ Readable::Installed {} => installed,
    }
}

/// The service saw another file there than the caller will find.
fn of_another_file(readable: Readable) -> Readable {
    match readable {
        Readable::Arrived(part) => Readable::Arrived(ArrivedPart { inode: 1, ..part }),
        installed @ Readable::Installed {} => installed,
    }
}

/// A service that gives these answers one after the other, then fails.
fn answering(device: &Device, answers: Vec<Readable>) -> FakeService {
    let answers = Mutex::new(answers.into_iter());
    FakeService::start(device, move |call, peer| {
        let next = answers.lock().unwrap().next();
        match (call, next) {
            (Call::ReadAhead(_), Some(readable)) => peer.reply::<ReadAhead>(&readable),
            _ => peer.fail(failure()),
        }
        Then::KeepOpen
    })
}

fn asked(service: &FakeService) -> Vec<(u64, u64)> {
    let range = |call: Call| match call {
        Call::ReadAhead(call) => Some((call.offset, call.bytes)),
        _ => None,
    };
    service.calls().into_iter().filter_map(range).collect()
}

#[test]
fn what_has_arrived_is_read_and_the_rest_is_asked_for() {
    let device = Device::new();
    let growing = device.file("growing");
    std::fs::write(&growing, b"0123456789").unwrap();
    let answers = vec![part(&growing, 1, 4), part(&growing, 1, 9), part(&growing, 1, 10)];
    let service = answering(&device, answers);
    let packs = device.connector().asset_packs_blocking().unwrap();
    let mut file = packs.read_ahead("films", "intro").unwrap();
    assert_eq!((file.size(), file.version(), file.arrived_from(1)), (10, PackVersion(1), 3));
    let mut buffer = [0; 10];
    assert_eq!(file.read_at(1, &mut buffer).unwrap(), 3, "no more than has arrived");
    assert_eq!(&buffer[..3], b"123");
    assert_eq!(asked(&service), [(0, 1)]);
    assert_eq!(file.read_at(6, &mut buffer).unwrap(), 3);
    assert_eq!((file.arrived_from(4), file.arrived_from(6)), (0, 3), "there is a hole");
    file.seek(SeekFrom::End(-1)).unwrap();
    let mut rest = Vec::new();
    assert_eq!((file.read_to_end(&mut rest).unwrap(), rest), (1, b"9".to_vec()));
    assert_eq!(asked(&service), [(0, 1), (6, 1), (9, 1)]);
    assert_eq!(file.read_at(10, &mut buffer).unwrap(), 0);
}

#[test]
fn a_file_that_was_moved_is_asked_for_again_and_one_that_was_begun_anew_is_read_anew() {
    let device = Device::new();
    let (gone, first, second) = (device.file("gone"), device.file("first"), device.file("second"));
    std::fs::write(&first, b"0123------").unwrap();
    std::fs::write(&second, b"----456789").unwrap();
    let other = of_another_file(part(&first, 1, 10));
    let answers = vec![part(&gone, 1, 4), other, part(&first, 1, 4), part(&second, 1, 10)];
    let service = answering(&device, answers);
    let packs = device.connector().asset_packs_blocking().unwrap();
    let file = packs.read_ahead("films", "intro").unwrap();
    assert_eq!(asked(&service), [(0, 1), (0, 1), (0, 1)]);
    file.wait_for(4..100).unwrap();
    assert_eq!(asked(&service)[3], (4, 6), "no more than the file has");
    assert_eq!((file.arrived_from(0), file.arrived_from(4)), (0, 6), "it is another file");
    let mut buffer = [0; 6];
    assert_eq!(file.read_at(4, &mut buffer).unwrap(), 6);
    assert_eq!(&buffer, b"456789");
}

#[test]
fn a_version_that_gave_way_to_another_is_told() {
    let device = Device::new();
    let growing = device.file("growing");
    std::fs::write(&growing, b"0123456789").unwrap();
    let others = [part(&growing, 2, 10), made_anew(part(&growing, 1, 10))];
    let _service = answering(&device, [part(&growing, 1, 4)].into_iter().chain(others).collect());
    let packs = device.connector().asset_packs_blocking().unwrap();
    let file = packs.read_ahead("films", "intro").unwrap();
    for _ in 0..2 {
        let error = file.wait_for(4..5).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "assetPackReplaced"));
    }
    file.wait_for(0..4).unwrap();
    let error = file.wait_for(4..5).unwrap_err();
    assert_eq!(error.code(), failure().code.as_str(), "what the service says is passed on");
}

#[test]
fn names_that_no_pack_or_file_can_have_are_refused_without_asking() {
    let device = Device::new();
    let service = answering(&device, Vec::new());
    let packs = device.connector().asset_packs_blocking().unwrap();
    let code = |pack, path| packs.read_ahead(pack, path).unwrap_err().code().to_owned();
    assert_eq!(code("no pack", "intro"), "assetPackNotFound");
    assert_eq!(code("films", "../intro"), "invalidPath");
    assert!(service.calls().is_empty());
}
