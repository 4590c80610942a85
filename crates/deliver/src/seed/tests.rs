use headstart_model::DownloadPolicy;
use headstart_model::PackId;
use headstart_model::catalog::{BundleRef, DeltaRef, IndexRef};

use super::*;

fn pack(deltas: Vec<DeltaRef>) -> CatalogPack {
    CatalogPack {
        id: PackId::new("p").expect("a good id"),
        version: PackVersion(9),
        download_policy: DownloadPolicy::on_demand(),
        platforms: Vec::new(),
        language: None,
        user_info: None,
        download_size: 0,
        installed_size: 0,
        file_count: 0,
        content: Digest::of(b"content"),
        index: IndexRef { digest: Digest::of(b"index"), structure_bytes: 0, names_bytes: 0 },
        full: BundleRef { digest: Digest::of(b"bundle"), bytes: 0 },
        deltas,
        former: None,
        app_versions: None,
        fallbacks: Vec::new(),
    }
}

#[test]
fn every_file_of_a_seed_can_be_read_by_its_chunks() {
    let folder = tempfile::tempdir().expect("a folder");
    let seed = folder.path().join("seed");
    std::fs::create_dir_all(seed.join("below")).expect("a folder");
    let large: Vec<u8> = (0..400_000_u32).flat_map(u32::to_le_bytes).collect();
    std::fs::write(seed.join("below/large"), &large).expect("a file");
    std::fs::write(seed.join("small"), b"small").expect("a file");
    std::fs::write(seed.join("empty"), b"").expect("a file");
    let held =
        scan_seed(&seed, &folder.path().join("record"), &pack(Vec::new())).expect("readable");
    let installed = InstalledVersion::open(&held.folder).expect("recorded");
    let tree = installed.complete().tree();
    let paths: Vec<_> = tree.files().map(|(_, path, _)| path.as_str()).collect();
    assert_eq!(paths, ["below/large", "empty", "small"]);
    let mut bytes = Vec::new();
    for (_, _, file) in tree.files().take(1) {
        for chunk in tree.chunks_of(file) {
            installed.read_chunk(*chunk, &mut bytes).expect("there");
        }
    }
    assert_eq!(bytes, large);
    assert_eq!(installed.changed(), Vec::new());
}

#[test]
fn of_names_that_differ_by_case_only_the_first_is_held() {
    let folder = tempfile::tempdir().expect("a folder");
    let seed = folder.path().join("seed");
    for name in ["Docs/guide", "README", "docs/guide", "plain", "readme"] {
        let file = seed.join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(file, name).expect("a file");
    }
    let held =
        scan_seed(&seed, &folder.path().join("record"), &pack(Vec::new())).expect("readable");
    let installed = InstalledVersion::open(&held.folder).expect("a record that can be read again");
    let paths: Vec<_> =
        installed.complete().tree().files().map(|(_, path, _)| path.to_string()).collect();
    // A file system that ignores case has stored each pair as one, under the first name, too.
    assert_eq!(paths, ["Docs/guide", "README", "plain"]);
}

#[test]
fn what_changed_since_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let seed = folder.path().join("seed");
    std::fs::create_dir(&seed).expect("a folder");
    std::fs::write(seed.join("file"), b"before").expect("a file");
    let held =
        scan_seed(&seed, &folder.path().join("record"), &pack(Vec::new())).expect("readable");
    std::fs::write(seed.join("file"), b"afterwards").expect("a file");
    let installed = InstalledVersion::open(&held.folder).expect("recorded");
    assert_eq!(installed.changed().len(), 1);
    assert!(installed.read_chunk(0, &mut Vec::new()).is_none());
}

#[test]
fn a_content_that_a_delta_starts_from_gets_its_number() {
    let content = Digest::of(b"old");
    let delta = DeltaRef {
        from: PackVersion(4),
        from_content: content,
        digest: Digest::of(b"delta"),
        bytes: 1,
        structure_digest: Digest::of(b"structure"),
        structure_bytes: 1,
    };
    assert_eq!(version_of(&content, &pack(vec![delta])), PackVersion(4));
    assert_eq!(version_of(&content, &pack(Vec::new())), PackVersion(0));
}

#[test]
fn a_seed_that_is_no_folder_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing");
    let refused = scan_seed(&missing, &folder.path().join("record"), &pack(Vec::new()));
    assert!(matches!(refused, Err(SeedError::Folder { .. })));
}
