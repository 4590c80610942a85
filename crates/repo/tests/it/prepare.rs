//! From an archive to a published version with deltas.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use headstart_model::catalog::{CatalogPack, bundle_path};
use headstart_model::{ChannelName, Digest, ErrorKind, Verified};
use headstart_pack::{
    BaseSource, BaseSpace, BlockReader, ChunkSource, FormatError, Level, ScratchChunks, section,
};
use headstart_repo::author::{
    Doing, Mode, Outcome, Preparation, PrepareError, ReleaseRequest, Released, Step, verify,
};

use crate::world::World;

/// Text that hardly compresses, the same for the same seed: each line names the one before it.
fn noise(seed: &str, lines: usize) -> String {
    let next = |line: &String| Some(Digest::of(line.as_bytes()).to_string());
    std::iter::successors(Some(seed.to_owned()), next).take(lines).collect::<Vec<_>>().join("\n")
}

fn how(world: &World, deltas: usize) -> Preparation {
    let staging = world.path(&format!("staging-{deltas}"));
    fs::create_dir_all(&staging).expect("a folder");
    Preparation { staging, deltas, level: Level::Fast, app_versions: None }
}

const GO_ON: fn(Step) -> ControlFlow<()> = |_| ControlFlow::Continue(());

async fn publish_archive(world: &World, archive: &Path, deltas: usize) -> Released {
    let mut writer = world.writer().await;
    let pack =
        writer.reader().prepare(archive, &how(world, deltas), &mut { GO_ON }).expect("prepared");
    let request = ReleaseRequest {
        channel: ChannelName::production(),
        rollout_percent: 100,
        packs: vec![pack],
    };
    writer.publish(&request, Mode::Commit, world.now).expect("a release")
}

async fn live(world: &World) -> CatalogPack {
    world.device("device").check().await.expect("trusted").catalog.packs.pop().expect("a pack")
}

#[tokio::test]
async fn deltas_come_from_the_last_versions_and_yield_the_new_one() {
    let world = World::new();
    let base = noise("base", 8_000);
    for version in 1..=3 {
        publish_archive(
            &world,
            &world.archive("a", &format!("{base}\n{}", noise(&version.to_string(), 50))),
            2,
        )
        .await;
    }
    let released = publish_archive(&world, &world.archive("a", &format!("{base}\nfour")), 2).await;
    let [pack] = released.packs.as_slice() else { panic!("one pack") };
    assert_eq!(pack.deltas.iter().map(|delta| delta.from.0).collect::<Vec<_>>(), [3, 2]);
    let pack = live(&world).await;
    assert!(pack.deltas.iter().all(|delta| delta.bytes < pack.full.bytes / 2), "{pack:?}");
    assert!(verify(&world.repo, None, world.now).await.expect("readable").damaged.is_empty());
    apply_delta(&world, &pack, &format!("{base}\n{}", noise("3", 50)));
}

/// Holds the chunks of the old version, and what the delta yielded so far.
struct Bases {
    old: ScratchChunks,
}

impl BaseSource for Bases {
    fn read_base(
        &mut self,
        space: BaseSpace,
        chunk: u32,
        out: &mut Vec<u8>,
    ) -> std::io::Result<()> {
        assert_eq!(space, BaseSpace::Old, "this delta is one block");
        self.old.read_chunk(chunk, out).map_err(std::io::Error::other)
    }
}

/// What a device with version 3 does.
fn apply_delta(world: &World, pack: &CatalogPack, old_text: &str) {
    let archive = fs::File::open(world.archive("a", old_text)).expect("an archive");
    let mut archive = headstart_pack::ArchiveReader::open(archive).expect("an archive");
    let (old, table) = (archive.complete().clone(), archive.table().clone());
    let scratch = tempfile::tempfile().expect("a file");
    let chunks =
        ScratchChunks::extract(&old, &table, &mut archive.bundle().expect("a bundle"), scratch);
    let delta = pack.delta_from(headstart_model::PackVersion(3), &old.content()).expect("a delta");
    let bytes = fs::read(world.repo.join(bundle_path(&delta.digest))).expect("a bundle");
    let (head, blocks) = bytes.split_at(usize::try_from(delta.structure_bytes).expect("small"));
    let head = Verified::check(head, &delta.structure_digest).expect("as signed");
    let structure = section::decode_delta(&head, old.tree()).expect("a structure");
    let mut names: Vec<Option<Digest>> = structure
        .same_as_old
        .iter()
        .map(|same| same.and_then(|chunk| old.name(chunk).copied()))
        .collect();
    let reader = BlockReader::new(&structure.tree, &structure.table);
    let mut bases = Bases { old: chunks.expect("chunks") };
    for (number, offset, block) in structure.table.with_offsets() {
        let start = usize::try_from(offset).expect("small");
        let stored = blocks.get(start..start + block.stored_bytes as usize).expect("inside");
        let stored = Verified::check(stored, &block.digest).expect("as promised");
        for (chunk, bytes) in reader.open(number, &stored, &mut bases).expect("a block").chunks() {
            names[chunk as usize] = Some(Digest::of(bytes));
        }
    }
    let names = names.into_iter().map(|name| name.expect("every chunk is known")).collect();
    let complete = headstart_pack::CompleteTree::new(structure.tree, names).expect("a tree");
    assert_eq!(complete.content(), pack.content);
}

#[tokio::test]
async fn the_same_archive_again_is_not_staged_and_changes_nothing() {
    let world = World::new();
    let archive = world.archive("a", "one");
    publish_archive(&world, &archive, 3).await;
    let how = Preparation {
        staging: world.path("untouched"),
        deltas: 3,
        level: Level::Fast,
        app_versions: None,
    };
    let mut writer = world.writer().await;
    let pack = writer.reader().prepare(&archive, &how, &mut { GO_ON }).expect("prepared");
    assert!(!how.staging.exists());
    let request = ReleaseRequest {
        channel: ChannelName::production(),
        rollout_percent: 100,
        packs: vec![pack],
    };
    let released = writer.publish(&request, Mode::Commit, world.now).expect("nothing to do");
    assert_eq!(released.committed.outcome, Outcome::Unchanged);
}

#[tokio::test]
async fn a_delta_that_saves_nothing_is_left_out() {
    let world = World::new();
    publish_archive(&world, &world.archive("a", &noise("x", 100)), 3).await;
    publish_archive(&world, &world.archive("a", &noise("y", 300)), 3).await;
    assert!(live(&world).await.deltas.is_empty());
}

#[tokio::test]
async fn the_steps_are_told_and_can_be_broken_off() {
    let world = World::new();
    let base = noise("base", 8_000);
    publish_archive(&world, &world.archive("a", &base), 0).await;
    let archive = world.archive("a", &format!("{base}!"));
    let mut writer = world.writer().await;
    let mut told = Vec::new();
    let mut tell = |step: Step| {
        told.push(step.doing);
        assert!(step.bytes_done <= step.bytes_total);
        ControlFlow::Continue(())
    };
    writer.reader().prepare(&archive, &how(&world, 1), &mut tell).expect("prepared");
    told.dedup();
    assert_eq!(
        told,
        [Doing::Checking, Doing::MakingDelta { from: headstart_model::PackVersion(1) }]
    );
    let error = writer
        .reader()
        .prepare(&archive, &how(&world, 1), &mut |_| ControlFlow::Break(()))
        .expect_err("broken off");
    assert_eq!(error.to_failure().kind, ErrorKind::Cancelled);
}

#[tokio::test]
async fn damaged_archives_are_refused_by_name() {
    let world = World::new();
    let archive = world.archive("a", &noise("x", 200));
    let whole = fs::read(&archive).expect("an archive");
    let mut writer = world.writer().await;
    for at in (0..whole.len()).step_by(293) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&archive, damaged).expect("damaged");
        let error = writer
            .reader()
            .prepare(&archive, &how(&world, 0), &mut { GO_ON })
            .expect_err("refused");
        assert!(
            matches!(&error, PrepareError::Archive { path, .. } if *path == archive),
            "byte {at}: {error}"
        );
        assert_eq!(error.to_failure().kind, ErrorKind::InvalidInput);
    }
    fs::write(&archive, b"PK").expect("another file");
    let error =
        writer.reader().prepare(&archive, &how(&world, 0), &mut { GO_ON }).expect_err("refused");
    assert!(matches!(error, PrepareError::Archive { source: FormatError::Magic { .. }, .. }));
    let error = writer
        .reader()
        .prepare(&world.path("missing"), &how(&world, 0), &mut { GO_ON })
        .expect_err("refused");
    assert_eq!(error.to_failure().kind, ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_damaged_earlier_version_is_named_and_can_be_left_aside() {
    let world = World::new();
    let base = noise("base", 500);
    publish_archive(&world, &world.archive("a", &base), 0).await;
    let bundle = world.repo.join(bundle_path(&live(&world).await.full.digest));
    let mut bytes = fs::read(&bundle).expect("a bundle");
    bytes[10] ^= 1;
    fs::write(&bundle, bytes).expect("damaged");
    let archive = world.archive("a", &format!("{base}!"));
    let mut writer = world.writer().await;
    let error =
        writer.reader().prepare(&archive, &how(&world, 3), &mut { GO_ON }).expect_err("refused");
    assert!(matches!(&error, PrepareError::Former { version, .. } if version.0 == 1), "{error}");
    writer.reader().prepare(&archive, &how(&world, 0), &mut { GO_ON }).expect("without deltas");
}
