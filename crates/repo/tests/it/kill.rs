//! Killing an author's program at each of its durable steps in turn.
//!
//! The test starts itself again as a child that is armed with the number of a crash point (`headstart_sys::crash`), until
//! a child gets through. Whatever was written by then, devices must find a whole release.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroU64;
use std::path::Path;
use std::process::{Command, Stdio};

use headstart_model::ChannelName;
use headstart_repo::author::{Duty, Fault, Lifetimes, Mode, ReleaseRequest, Writer, verify};
use headstart_sys::crash;
use jiff::SignedDuration;

use crate::world::{World, versions};

/// What the parent tells the child: the number of the crash point, and the folder of its world. None in the parent.
#[expect(
    clippy::disallowed_methods,
    reason = "the arguments of a test program belong to its harness"
)]
fn orders() -> Option<String> {
    std::env::var(CHILD).ok()
}

const CHILD: &str = "HEADSTART_REPO_TEST_KILL";
/// More steps than any of these changes has; a change that passes more is caught in a loop.
const STEPS_MAX: u64 = 500;

/// A change that is made by the child, and again by the parent to see that the way on is open.
type ChangeIt = fn(&World, &mut Writer);

fn publish(world: &World, writer: &mut Writer) {
    let packs = vec![world.pack_after("a", "two", 1, "one"), world.pack("c", "new")];
    let request =
        ReleaseRequest { channel: ChannelName::production(), rollout_percent: 100, packs };
    writer.publish(&request, Mode::Commit, world.now).expect("a release");
}

fn rotate(world: &World, writer: &mut Writer) {
    writer.rotate(Duty::Online, world.now).expect("rotated");
}

fn free(world: &World, writer: &mut Writer) {
    writer.gc(SignedDuration::ZERO, world.now).expect("freed");
}

/// What devices saw after each kill. `test` is the full name of the calling test.
async fn kill_everywhere(test: &str, change: ChangeIt) -> BTreeSet<Vec<(String, u64)>> {
    if let Some(child) = orders() {
        act_as_child(&child, change).await;
        return BTreeSet::new();
    }
    let base = World::new();
    base.publish(vec![base.pack("a", "one"), base.pack("b", "two")]).await;
    base.writer().await.remove(&["b".parse().expect("an id")], base.now).expect("a release");
    let mut seen = BTreeSet::new();
    for step in 1..STEPS_MAX {
        let world = base.copy();
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", test])
            .env(CHILD, format!("{step} {}", world.folder().display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("a child");
        let checked = world.device("device").check().await.expect("whole and trusted");
        seen.insert(
            versions(&checked.catalog)
                .into_iter()
                .map(|(id, version)| (id.to_owned(), version))
                .collect(),
        );
        change(&world, &mut world.writer().await);
        let verified = verify(&world.repo, None, world.now).await.expect("readable");
        assert!(verified.damaged.is_empty(), "step {step}: {verified:?}");
        world.device("device").check().await.expect("the way on is open");
        if child.success() {
            assert!(step > 1, "nothing was killed");
            return seen;
        }
    }
    panic!("the change never gets through");
}

async fn act_as_child(child: &str, change: ChangeIt) {
    let (step, folder) = child.split_once(' ').expect("a number and a folder");
    let world = World::in_folder(Path::new(folder));
    let mut writer =
        Writer::open(&world.repo, &world.keys, Lifetimes::default()).await.expect("a writer");
    crash::arm(step.parse::<NonZeroU64>().expect("a number"));
    change(&world, &mut writer);
}

fn seen(versions: &[&[(&str, u64)]]) -> BTreeSet<Vec<(String, u64)>> {
    let owned = |list: &&[(&str, u64)]| {
        list.iter().map(|(id, version)| ((*id).to_owned(), *version)).collect()
    };
    versions.iter().map(owned).collect()
}

#[tokio::test]
async fn a_release_is_there_as_a_whole_or_not_at_all() {
    let all = kill_everywhere("kill::a_release_is_there_as_a_whole_or_not_at_all", publish).await;
    if orders().is_none() {
        assert_eq!(all, seen(&[&[("a", 1)], &[("a", 2), ("c", 1)]]));
    }
}

#[tokio::test]
async fn a_rotation_never_locks_devices_out() {
    let all = kill_everywhere("kill::a_rotation_never_locks_devices_out", rotate).await;
    if orders().is_none() {
        assert_eq!(all, seen(&[&[("a", 1)]]));
    }
}

#[tokio::test]
async fn freeing_never_touches_what_is_live() {
    let all = kill_everywhere("kill::freeing_never_touches_what_is_live", free).await;
    if orders().is_none() {
        assert_eq!(all, seen(&[&[("a", 1)]]));
    }
}

#[tokio::test]
async fn leftovers_of_a_cut_write_are_no_damage() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let leftover = world.repo.join("bundles/.headstart-cut.tmp");
    fs::write(&leftover, b"half").expect("a leftover");
    let verified = verify(&world.repo, None, world.now).await.expect("readable");
    assert!(!verified.damaged.iter().any(|damage| matches!(damage.fault, Fault::Altered)));
    world.writer().await;
    assert!(!leftover.exists(), "swept by the next writer");
}
