//! Reading installed files, with no service anywhere.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;

use headstart::blocking::AssetPackManager;
use headstart::{ErrorKind, FolderEntryKind, Language, PackVersion, SizeCalculationMethod, Status};

use crate::fake_service::Device;
use crate::installed::{Packs, install, namespace_folder, pack_folder, snapshot_file};
use crate::samples::app;

fn manager(device: &Device) -> AssetPackManager {
    device.connector().app(app()).asset_packs_blocking().unwrap()
}

fn sample(device: &Device) -> AssetPackManager {
    let packs = Packs::default()
        .with("base", 3, &[("maps/island.bin", "island"), ("shared.txt", "of base"), ("empty", "")])
        .with("level-1", 1, &[("maps/cave.bin", "cave"), ("shared.txt", "of level-1")])
        .with_language("voices-ja", 1, Some("ja"), &[("hello.ogg", "konnichiwa")])
        .with_language("voices-de", 1, Some("de"), &[("hello.ogg", "hallo")]);
    install(&device.home(), 1, &packs);
    manager(device)
}

fn code<T: std::fmt::Debug>(result: Result<T, headstart::Error>) -> String {
    result.unwrap_err().code().to_owned()
}

#[test]
fn files_of_all_packs_are_one_tree() {
    let device = Device::new();
    let packs = sample(&device);
    assert_eq!(*packs.contents("maps/island.bin").unwrap(), *b"island");
    assert_eq!(*packs.contents("maps/cave.bin").unwrap(), *b"cave");
    assert!(packs.contents("empty").unwrap().is_empty());
    let mut text = String::new();
    packs.descriptor("maps/cave.bin").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "cave");
    let at = packs.path("maps/island.bin").unwrap();
    assert_eq!(at, pack_folder(&device.home(), "base", 3).join("maps/island.bin"));
    assert_eq!(packs.url("maps/island.bin").unwrap(), at);
}

#[test]
fn a_path_in_several_packs_is_that_of_the_lowest_id_unless_a_pack_is_named() {
    let device = Device::new();
    let packs = sample(&device);
    assert_eq!(*packs.contents("shared.txt").unwrap(), *b"of base");
    assert_eq!(*packs.contents_in("level-1", "shared.txt").unwrap(), *b"of level-1");
    let at = packs.path_in("level-1", "shared.txt").unwrap();
    assert_eq!(std::fs::read(at).unwrap(), b"of level-1");
    let mut text = String::new();
    packs.descriptor_in("level-1", "shared.txt").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "of level-1");
    assert_eq!(code(packs.contents_in("level-1", "maps/island.bin")), "fileNotFound");
    assert_eq!(code(packs.contents_in("no/pack", "shared.txt")), "fileNotFound");
}

#[test]
fn a_language_reads_only_packs_of_that_language() {
    let device = Device::new();
    let packs = sample(&device);
    let (ja, fr) = (Language::new("ja").unwrap(), Language::new("fr").unwrap());
    assert_eq!(*packs.contents_for(&ja, "hello.ogg").unwrap(), *b"konnichiwa");
    assert!(packs.path_for(&ja, "hello.ogg").unwrap().ends_with("voices-ja/1/hello.ogg"));
    let mut text = String::new();
    packs.descriptor_for(&ja, "hello.ogg").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "konnichiwa");
    assert_eq!(code(packs.contents_for(&fr, "hello.ogg")), "fileNotFound");
    assert_eq!(code(packs.contents_for(&ja, "shared.txt")), "fileNotFound");
}

#[test]
fn what_is_not_there_is_not_found() {
    let device = Device::new();
    let packs = sample(&device);
    for missing in ["nothing", "maps/nothing", "maps"] {
        let error = packs.contents(missing).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, "fileNotFound"));
        assert!(error.to_string().contains(missing), "{error}");
        assert_eq!(error.missing(), Some(missing));
    }
    assert_eq!(code(packs.descriptor("maps")), "fileNotFound");
    assert_eq!(code(packs.path("nothing")), "fileNotFound");
    for wrong in ["../home", "/etc/passwd", "a//b", "", "maps/"] {
        let error = packs.path(wrong).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Usage, "invalidPath"), "{wrong:?}");
        assert_eq!(error.missing(), None);
    }
}

#[test]
fn local_facts_need_no_service() {
    let device = Device::new();
    let packs = sample(&device);
    assert!(packs.asset_pack_is_available_locally("base"));
    assert!(!packs.asset_pack_is_available_locally("level-2"));
    assert!(!packs.asset_pack_is_available_locally("not/an id"));
    assert_eq!(packs.local_version("base").unwrap(), PackVersion(3));
    let error = packs.local_version("level-2").unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, "assetPackNotFound"));
    assert_eq!(packs.local_status("base"), Status::DOWNLOADED);
    assert_eq!(packs.local_status("level-2"), Status::EMPTY);
}

#[test]
fn a_size_is_of_bytes_or_of_what_the_disk_gives_for_them() {
    let device = Device::new();
    let packs = sample(&device);
    let size = |method| packs.local_size("base", method).unwrap();
    let logical = "islandof base".len() as u64;
    assert_eq!(size(SizeCalculationMethod::Logical), logical);
    let folder = pack_folder(&device.home(), "base", 3);
    let blocks = |path| std::fs::metadata(folder.join(path)).unwrap().blocks() * 512;
    let (shared, island) = (blocks("shared.txt"), blocks("maps/island.bin"));
    assert_eq!(size(SizeCalculationMethod::Allocated), shared + island);
    assert_eq!(size(SizeCalculationMethod::Exclusive), shared + island);
    // As the service keeps an unchanged file of the version before.
    std::fs::hard_link(folder.join("maps/island.bin"), device.file("older")).unwrap();
    assert_eq!(size(SizeCalculationMethod::Exclusive), shared);
    assert_eq!(size(SizeCalculationMethod::Allocated), shared + island);
    assert_eq!(
        code(packs.local_size("level-2", SizeCalculationMethod::Logical)),
        "assetPackNotFound"
    );
    std::fs::remove_file(folder.join("shared.txt")).unwrap();
    assert_eq!(code(packs.local_size("base", SizeCalculationMethod::Allocated)), "fileDamaged");
}

#[test]
fn before_anything_is_installed_nothing_is_found() {
    let device = Device::new();
    let packs = manager(&device);
    assert!(!packs.asset_pack_is_available_locally("base"));
    assert_eq!(code(packs.contents("a")), "fileNotFound");
    assert_eq!(code(packs.local_version("base")), "assetPackNotFound");
    assert_eq!(code(packs.namespace()), "namespaceNotFound");
}

#[test]
fn a_folder_is_listed_over_all_packs() {
    let device = Device::new();
    let packs = sample(&device);
    let listed: Vec<_> = packs
        .namespace()
        .unwrap()
        .folder("maps")
        .unwrap()
        .into_iter()
        .map(|entry| (entry.name, entry.pack, entry.kind))
        .collect();
    let file = |size_bytes| FolderEntryKind::File { size_bytes };
    let own = str::to_owned;
    let expected =
        [(own("cave.bin"), own("level-1"), file(4)), (own("island.bin"), own("base"), file(6))];
    assert_eq!(listed, expected);
    let namespace = packs.namespace().unwrap();
    let names: Vec<_> = namespace.folder("").unwrap().into_iter().map(|e| e.name).collect();
    let top = ["empty", "hello.ogg", "hello.ogg", "maps", "maps", "shared.txt", "shared.txt"];
    assert_eq!(names, top);
    assert_eq!(code(namespace.folder("nothing")), "fileNotFound");
    assert_eq!(code(namespace.folder("shared.txt")), "fileNotFound");
    assert_eq!(code(namespace.folder("..")), "invalidPath");
}

#[test]
fn a_file_that_was_cut_short_or_removed_is_told_as_damaged() {
    let device = Device::new();
    let packs = sample(&device);
    let folder = pack_folder(&device.home(), "base", 3);
    std::fs::write(folder.join("shared.txt"), "of").unwrap();
    std::fs::remove_file(folder.join("maps/island.bin")).unwrap();
    for path in ["shared.txt", "maps/island.bin"] {
        let error = packs.contents(path).unwrap_err();
        assert_eq!(error.code(), "fileDamaged");
        assert!(error.hint().unwrap().contains("packs verify --repair"));
    }
}

#[test]
fn a_damaged_index_is_an_error_and_not_an_empty_tree() {
    let device = Device::new();
    let packs = sample(&device);
    std::fs::write(snapshot_file(&device.home(), 2), "no index").unwrap();
    std::fs::write(namespace_folder(&device.home()).join("current"), "2").unwrap();
    assert_eq!(code(packs.contents("shared.txt")), "namespaceDamaged");
    assert!(!packs.asset_pack_is_available_locally("base"));
    std::fs::write(namespace_folder(&device.home()).join("current"), "two").unwrap();
    assert_eq!(code(packs.contents("shared.txt")), "namespaceDamaged");
    std::fs::write(namespace_folder(&device.home()).join("current"), "3").unwrap();
    assert_eq!(code(packs.contents("shared.txt")), "namespaceDamaged", "the file is missing");
}
