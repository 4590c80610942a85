//! Lookups in built snapshots, hostile bytes, and the bytes themselves.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::{Language, PackId, PackPath};

const FILE: EntryKind = EntryKind::File { size_bytes: 7, executable: false };

fn id(text: &str) -> PackId {
    PackId::new(text).expect("a good id")
}

fn path(text: &str) -> PackPath {
    PackPath::new(text).expect("a good path")
}

fn new_pack(name: &str, language: Option<&str>) -> NewPack {
    NewPack {
        id: id(name),
        version: PackVersion(2),
        language: language.map(|tag| Language::new(tag).expect("a good tag")),
        root: format!("packs/app/{name}/2"),
    }
}

/// Id, language and entries of a pack.
type Sample<'a> = (&'a str, Option<&'a str>, &'a [(&'a str, EntryKind)]);

fn builder(packs: &[Sample<'_>]) -> Builder {
    let mut builder = Builder::new(5);
    for (name, language, entries) in packs {
        let entries = entries.iter().map(|(text, kind)| (path(text), *kind));
        builder.add(new_pack(name, *language), entries).expect("a good pack");
    }
    builder
}

fn snapshot(packs: &[Sample<'_>]) -> Snapshot<Vec<u8>> {
    Snapshot::open(builder(packs).finish().expect("small")).expect("own output")
}

fn names<'a>(
    entries: impl Iterator<Item = Result<Entry<'a>, SnapshotError>>,
) -> Vec<(&'a str, &'a str)> {
    entries.map(|e| e.expect("undamaged")).map(|e| (e.path, e.pack.id)).collect()
}

#[test]
fn a_path_in_several_packs_is_found_in_the_order_of_their_ids() {
    let snapshot = snapshot(&[
        ("b", None, &[("x", FILE), ("only-b", FILE)]),
        ("a", None, &[("x", FILE)]),
        ("B", Some("ja"), &[("x", FILE)]),
    ]);
    assert_eq!(
        names(snapshot.lookup_all("x").expect("whole")),
        [("x", "B"), ("x", "a"), ("x", "b")]
    );
    assert_eq!(snapshot.lookup("x").expect("whole").expect("there").pack.id, "B");
    let in_b = snapshot.lookup_in(&id("b"), "x").expect("whole").expect("there");
    assert_eq!((in_b.pack.id, in_b.pack.root), ("b", "packs/app/b/2"));
    assert_eq!(snapshot.lookup_in(&id("a"), "only-b"), Ok(None));
    assert_eq!(snapshot.lookup_in(&id("c"), "x"), Ok(None));
    assert_eq!(snapshot.lookup("y"), Ok(None));
    assert_eq!(snapshot.lookup(""), Ok(None));
}

#[test]
fn a_language_finds_only_packs_of_that_language() {
    let snapshot = snapshot(&[
        ("a", None, &[("x", FILE)]),
        ("b", Some("ja"), &[("x", FILE), ("ja-only", FILE)]),
        ("c", Some("de-AT"), &[("x", FILE)]),
    ]);
    let found = |tag: &str, path: &str| {
        let language = Language::new(tag).expect("a good tag");
        snapshot.lookup_for(&language, path).expect("whole").map(|entry| entry.pack.id)
    };
    assert_eq!(found("ja", "x"), Some("b"));
    assert_eq!(found("de-AT", "x"), Some("c"));
    assert_eq!(found("de", "x"), None);
    assert_eq!(found("de-AT", "ja-only"), None);
}

#[test]
fn implied_subtags_make_tags_the_same_and_the_very_tag_goes_first() {
    let snapshot = snapshot(&[
        ("a", Some("en-CA"), &[("x", FILE)]),
        ("b", Some("en-US"), &[("x", FILE), ("y", FILE)]),
        ("c", Some("en"), &[("x", FILE)]),
    ]);
    let found = |tag: &str, path: &str| {
        let language = Language::new(tag).expect("a good tag");
        snapshot.lookup_for(&language, path).expect("whole").map(|entry| entry.pack.id)
    };
    assert_eq!(found("en", "x"), Some("c"));
    assert_eq!(found("en", "y"), Some("b"));
    assert_eq!(found("en-Latn-US", "x"), Some("b"));
    assert_eq!(found("en-CA", "x"), Some("a"));
    assert_eq!(found("en-CA", "y"), None);
    assert_eq!(found("en-GB", "x"), None);
}

#[test]
fn facts_about_packs_and_files_are_kept() {
    let tool = EntryKind::File { size_bytes: 9, executable: true };
    let snapshot = snapshot(&[("a", Some("ja"), &[("bin/tool", tool), ("f", FILE)])]);
    assert_eq!(snapshot.generation(), 5);
    assert_eq!(snapshot.verify(), Ok(()));
    let pack = snapshot.pack(&id("a")).expect("whole").expect("there");
    assert_eq!((pack.installed_bytes, pack.file_count, pack.language), (16, 2, Some("ja")));
    assert_eq!(snapshot.lookup("bin/tool").expect("whole").expect("there").kind, tool);
    let folder = snapshot.lookup("bin").expect("whole").expect("implied by the file in it");
    assert_eq!(folder.kind, EntryKind::Folder);
    assert_eq!(snapshot.pack(&id("b")), Ok(None));
}

#[test]
fn children_merge_the_packs_and_stop_at_the_folder() {
    let snapshot = snapshot(&[
        ("a", None, &[("d", FILE), ("m/b", FILE), ("m/b-c", FILE), ("m-1", FILE)]),
        ("b", None, &[("m/b/deep/er", FILE), ("m/e", EntryKind::Folder), ("m0", FILE)]),
    ]);
    assert_eq!(
        names(snapshot.children("").expect("whole")),
        [("d", "a"), ("m", "a"), ("m", "b"), ("m-1", "a"), ("m0", "b")]
    );
    assert_eq!(
        names(snapshot.children("m").expect("whole")),
        [("m/b", "a"), ("m/b", "b"), ("m/b-c", "a"), ("m/e", "b")]
    );
    assert_eq!(names(snapshot.children("m/b").expect("whole")), [("m/b/deep", "b")]);
    assert_eq!(names(snapshot.children("m/e").expect("whole")), []);
    assert_eq!(names(snapshot.children("d").expect("whole")), []);
}

#[test]
fn an_empty_namespace_is_a_snapshot() {
    let snapshot = snapshot(&[]);
    assert_eq!(snapshot.lookup("x"), Ok(None));
    assert_eq!(snapshot.packs().count(), 0);
    assert_eq!(names(snapshot.children("").expect("whole")), []);
}

#[test]
fn contradictions_are_named() {
    let mut builder = builder(&[("a", None, &[("x", FILE)])]);
    let again = builder.add(new_pack("a", None), []);
    assert_eq!(again, Err(BuildError::DuplicatePack { id: id("a") }));
    let twice = builder.add(new_pack("b", None), [(path("x"), FILE), (path("x"), FILE)]);
    assert_eq!(twice, Err(BuildError::DuplicatePath { id: id("b"), path: path("x") }));
    let both = builder.add(new_pack("b", None), [(path("x"), FILE), (path("x/y"), FILE)]);
    assert_eq!(both, Err(BuildError::DuplicatePath { id: id("b"), path: path("x") }));
    for root in ["", "/etc", "a/../..", "a//b", "C:/x", "a\\b"] {
        let pack = NewPack { root: root.to_owned(), ..new_pack("b", None) };
        let error = BuildError::Root { id: id("b"), root: root.to_owned() };
        assert_eq!(builder.add(pack, []), Err(error));
    }
}

#[test]
fn the_order_of_packs_and_paths_does_not_change_the_bytes() {
    let one = builder(&[("a", None, &[("x", FILE), ("d/y", FILE)]), ("b", None, &[("x", FILE)])]);
    let other = builder(&[("b", None, &[("x", FILE)]), ("a", None, &[("d/y", FILE), ("x", FILE)])]);
    assert_eq!(one.finish(), other.finish());
}

#[test]
fn other_files_and_other_formats_are_refused() {
    let good = builder(&[("a", None, &[("x", FILE)])]).finish().expect("small");
    let open = |bytes: &[u8]| Snapshot::open(bytes.to_vec()).map(|_| ());
    assert!(matches!(
        open(b""),
        Err(SnapshotError::Length { expected_bytes: 64, actual_bytes: 0 })
    ));
    assert_eq!(open(&[b'x'; 100]), Err(SnapshotError::Magic));
    let mut later = good.clone();
    later[8] = 2;
    assert_eq!(open(&later), Err(SnapshotError::Format { format: 2 }));
    assert!(matches!(open(&good[..good.len() - 1]), Err(SnapshotError::Length { .. })));
    let mut flipped = good.clone();
    *flipped.last_mut().expect("not empty") ^= 1;
    assert_eq!(Snapshot::open(flipped).expect("same shape").verify(), Err(SnapshotError::Digest));
}

#[test]
fn a_snapshot_cannot_lead_out_of_the_home() {
    let mut bytes = builder(&[("a", None, &[("xx/y", FILE)])]).finish().expect("small");
    let at = bytes.windows(4).rposition(|w| w == b"xx/y").expect("it is there");
    bytes[at..at + 2].copy_from_slice(b"..");
    let snapshot = Snapshot::open(bytes).expect("same shape");
    let all: Vec<_> = snapshot.entries().collect();
    assert!(all.contains(&Err(SnapshotError::Record { what: "path", index: 1 })), "{all:?}");

    let mut bytes = builder(&[("a", None, &[("x", FILE)])]).finish().expect("small");
    let at = bytes.windows(5).position(|w| w == b"packs").expect("it is there");
    bytes[at] = b'/';
    let snapshot = Snapshot::open(bytes).expect("same shape");
    assert_eq!(snapshot.lookup("x"), Err(SnapshotError::Record { what: "pack", index: 0 }));
}

/// The dump in the page and the bytes are the same.
#[test]
fn the_bytes_are_those_of_the_format_page() {
    let page = include_str!("../../../../docs/format/namespace.md");
    let dump = page.split("```hex\n").nth(1).and_then(|rest| rest.split("```").next());
    let dump = dump.expect("the page has a dump");
    let mut builder = Builder::new(5);
    let tool = EntryKind::File { size_bytes: 300, executable: true };
    builder.add(new_pack("a", Some("ja")), [(path("bin/tool"), tool)]).expect("a good pack");
    builder.add(new_pack("b", None), [(path("bin/tool"), FILE)]).expect("a good pack");
    let bytes = builder.finish().expect("small");
    let mut ours = String::new();
    for (row, chunk) in bytes.chunks(16).enumerate() {
        let hex: Vec<_> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(ours, "{:04x}  {}", row * 16, hex.join(" ")).expect("a string takes everything");
    }
    assert_eq!(ours, dump, "docs/format/namespace.md");
}

fn touch_everything(bytes: Vec<u8>) {
    let Ok(snapshot) = Snapshot::open(bytes) else {
        return;
    };
    let _digest = snapshot.verify();
    let _packs = snapshot.packs().count();
    let paths: Vec<String> =
        snapshot.entries().filter_map(|e| e.ok().map(|e| e.path.to_owned())).collect();
    for path in paths.iter().map(String::as_str).chain(["", "a", "x/y"]) {
        let _first = snapshot.lookup(path);
        let _one = snapshot.lookup_in(&id("a"), path);
        let _localized = snapshot.lookup_for(&Language::new("ja").expect("a good tag"), path);
        if let Ok(children) = snapshot.children(path) {
            let seen = u32::try_from(children.count()).expect("not more than entries");
            assert!(seen <= snapshot.entry_count() + 1);
        }
    }
}

fn a_tree() -> impl Strategy<Value = std::collections::BTreeSet<String>> {
    prop::collection::btree_set("[ab]{1,2}(/[ab-]{1,2}){0,3}", 0..12)
}

/// What `add` takes of a set of paths: files, without those below another file.
fn files(paths: &std::collections::BTreeSet<String>) -> Vec<PackPath> {
    let below = |p: &&String| {
        !paths
            .iter()
            .any(|other| p.strip_prefix(other.as_str()).is_some_and(|r| r.starts_with('/')))
    };
    paths.iter().filter(below).map(|text| path(text)).collect()
}

proptest! {
    #[test]
    fn what_went_in_is_found_and_nothing_else(a in a_tree(), b in a_tree()) {
        let mut builder = Builder::new(1);
        let (a, b) = (files(&a), files(&b));
        for (name, files) in [("a", &a), ("b", &b)] {
            let entries = files.iter().map(|path| (path.clone(), FILE));
            builder.add(new_pack(name, None), entries).expect("files only");
        }
        let snapshot = Snapshot::open(builder.finish().expect("small")).expect("own output");
        snapshot.verify().expect("own output");
        for (name, files) in [("a", &a), ("b", &b)] {
            for file in files {
                let found = snapshot.lookup_in(&id(name), file.as_str()).expect("whole");
                prop_assert_eq!(found.map(|e| (e.path, e.kind)), Some((file.as_str(), FILE)));
            }
        }
        let is_file = |e: &Entry<'_>| e.kind == FILE;
        let all: Vec<_> = snapshot.entries().map(|e| e.expect("whole")).collect();
        prop_assert_eq!(all.iter().filter(|e| is_file(e)).count(), a.len() + b.len());
        // Walking down by `children` meets every entry once.
        let mut folders = vec![String::new()];
        let mut walked = 0;
        while let Some(folder) = folders.pop() {
            for child in snapshot.children(&folder).expect("whole") {
                let child = child.expect("whole");
                walked += 1;
                let known = folders.iter().any(|folder| folder == child.path);
                if child.kind == EntryKind::Folder && !known {
                    folders.push(child.path.to_owned());
                }
            }
        }
        prop_assert_eq!(walked, all.len());
    }

    #[test]
    fn damaged_bytes_never_panic(
        tree in a_tree(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut builder = Builder::new(1);
        let entries = files(&tree).into_iter().map(|path| (path, FILE));
        builder.add(new_pack("a", Some("ja")), entries).expect("files only");
        let mut bytes = builder.finish().expect("small");
        for (at, byte) in &damage {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        touch_everything(bytes);
    }

    #[test]
    fn arbitrary_tables_never_panic(
        packs in 0_u32..4, entries in 0_u32..6, body in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut bytes = b"HSTNAMES\x01\0\0\0".to_vec();
        bytes.extend_from_slice(&packs.to_le_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&entries.to_le_bytes());
        let tables = packs * 40 + entries * 24;
        let length = u32::try_from(body.len()).expect("short").max(tables);
        bytes.extend_from_slice(&(length - tables).to_le_bytes());
        bytes.extend_from_slice(&[0; 32]);
        bytes.extend_from_slice(&body);
        bytes.resize(64 + length as usize, 0);
        touch_everything(bytes);
    }
}
