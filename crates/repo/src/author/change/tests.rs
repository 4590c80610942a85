use headstart_model::catalog::{BundleRef, IndexRef};
use headstart_model::{Digest, DownloadPolicy};

use super::*;
use crate::Sha256;

fn pack(id: &str, version: u64) -> CatalogPack {
    CatalogPack {
        id: PackId::new(id).expect("an id"),
        version: PackVersion(version),
        download_policy: DownloadPolicy::on_demand(),
        platforms: Vec::new(),
        language: None,
        user_info: None,
        download_size: 3,
        installed_size: 3,
        file_count: 1,
        content: Digest::of(format!("{id}{version}").as_bytes()),
        index: IndexRef { digest: Digest::of(b"i"), structure_bytes: 1, names_bytes: 32 },
        full: BundleRef { digest: Digest::of(b"b"), bytes: 2 },
        deltas: Vec::new(),
        former: None,
        app_versions: None,
        fallbacks: Vec::new(),
    }
}

fn offer(id: &str, version: u64) -> Offer {
    Offer { pack: pack(id, version), standing: Standing::New, former: None }
}

fn channel(name: &str) -> ChannelName {
    ChannelName::new(name).expect("a name")
}

/// Channels and their catalogs, changed by drafts.
#[derive(Default)]
struct World {
    catalogs: BTreeMap<ChannelName, Catalog>,
    releases: u64,
}

impl World {
    fn live(&self) -> Live<'_> {
        Live {
            catalogs: &self.catalogs,
            next_release: ReleaseNumber(self.releases + 1),
            now: Timestamp::UNIX_EPOCH,
        }
    }

    fn take(&mut self, draft: Draft) {
        self.releases = self.releases.max(draft.release.0);
        self.catalogs
            .extend(draft.catalogs.into_iter().map(|catalog| (catalog.channel.clone(), catalog)));
    }

    fn publish(&mut self, percent: u8, offers: Vec<Offer>) {
        let draft = self.live().publish(&ChannelName::production(), percent, offers);
        self.take(draft.expect("sensible").expect("a change"));
    }

    fn production(&self) -> &Catalog {
        &self.catalogs[&ChannelName::production()]
    }
}

fn versions(packs: &[CatalogPack]) -> Vec<(&str, u64)> {
    packs.iter().map(|pack| (pack.id.as_str(), pack.version.0)).collect()
}

#[test]
fn publishing_replaces_the_named_packs_and_leaves_the_others() {
    let mut world = World::default();
    world.publish(100, vec![offer("b", 1), offer("a", 1)]);
    world.publish(100, vec![offer("b", 2)]);
    assert_eq!(versions(&world.production().packs), [("a", 1), ("b", 2)]);
    assert_eq!(world.production().release, ReleaseNumber(2));
}

#[test]
fn publishing_what_is_live_is_no_release() {
    let mut world = World::default();
    world.publish(100, vec![offer("a", 1)]);
    let known = Offer { pack: pack("a", 1), standing: Standing::Known, former: None };
    assert_eq!(world.live().publish(&ChannelName::production(), 50, vec![known]), Ok(None));
}

#[test]
fn devices_outside_the_share_keep_the_last_release_that_was_for_all() {
    let mut world = World::default();
    world.publish(100, vec![offer("a", 1)]);
    world.publish(10, vec![offer("a", 2)]);
    assert_eq!(versions(&world.production().former), [("a", 1)]);
    world.publish(20, vec![offer("a", 3)]);
    assert_eq!(versions(&world.production().former), [("a", 1)], "version 2 was not for all");
}

#[test]
fn a_new_share_keeps_the_release_and_100_percent_ends_the_rollout() {
    let mut world = World::default();
    world.publish(100, vec![offer("a", 1)]);
    world.publish(10, vec![offer("a", 2)]);
    let production = ChannelName::production();
    let draft =
        world.live().rollout(&production, 60, Vec::new()).expect("sensible").expect("a change");
    world.take(draft);
    assert_eq!(
        (world.production().release, world.production().rollout_percent),
        (ReleaseNumber(2), 60)
    );
    assert_eq!(world.live().rollout(&production, 60, Vec::new()), Ok(None));
    let draft =
        world.live().rollout(&production, 100, Vec::new()).expect("sensible").expect("a change");
    world.take(draft);
    assert!(world.production().former.is_empty());
    let draft = world
        .live()
        .rollout(&production, 30, vec![pack("a", 1)])
        .expect("sensible")
        .expect("a change");
    world.take(draft);
    assert_eq!(
        versions(&world.production().former),
        [("a", 1)],
        "a share that shrinks sends the others back"
    );
}

#[test]
fn a_promotion_copies_a_channel_for_all_devices() {
    let mut world = World::default();
    let beta = channel("beta");
    let draft =
        world.live().publish(&beta, 5, vec![offer("a", 4)]).expect("sensible").expect("a change");
    world.take(draft);
    let production = ChannelName::production();
    let draft = world.live().promote(&beta, &production).expect("sensible").expect("a change");
    assert_eq!(draft.cause, Cause::Promote { from: beta.clone() });
    world.take(draft);
    assert_eq!(versions(&world.production().packs), [("a", 4)]);
    assert_eq!(world.production().rollout_percent, 100);
    assert_eq!(world.live().promote(&beta, &production), Ok(None));
    let unknown = channel("alpha");
    assert_eq!(
        world.live().promote(&unknown, &production),
        Err(ChangeError::UnknownChannel { channel: unknown.clone() })
    );
}

#[test]
fn removing_withdraws_from_all_channels_and_for_all_devices() {
    let mut world = World::default();
    world.publish(100, vec![offer("a", 1), offer("b", 1)]);
    world.publish(10, vec![offer("b", 2)]);
    let draft = world
        .live()
        .publish(&channel("beta"), 100, vec![offer("c", 1)])
        .expect("fine")
        .expect("a change");
    world.take(draft);
    let draft = world.live().remove(&[PackId::new("a").expect("an id")]).expect("sensible");
    assert_eq!(draft.catalogs.len(), 1, "beta did not have it");
    world.take(draft);
    assert_eq!(versions(&world.production().packs), [("b", 2)]);
    assert_eq!(versions(&world.production().former), [("b", 1)]);
    let gone = PackId::new("a").expect("an id");
    assert_eq!(
        world.live().remove(std::slice::from_ref(&gone)),
        Err(ChangeError::UnknownPack { id: gone })
    );
    assert_eq!(world.live().remove(&[]), Err(ChangeError::Empty));
}

#[test]
fn shares_above_100_percent_are_refused() {
    let mut world = World::default();
    world.publish(100, vec![offer("a", 1)]);
    let production = ChannelName::production();
    let refused = Err(ChangeError::Percent { percent: 101 });
    assert_eq!(world.live().publish(&production, 101, vec![offer("a", 2)]), refused);
    assert_eq!(world.live().rollout(&production, 101, Vec::new()), refused);
}

fn row(release: u64, cause: Cause) -> Row {
    Row {
        release: ReleaseNumber(release),
        channel: ChannelName::production(),
        at: Timestamp::UNIX_EPOCH,
        cause,
        catalog: Sha256::of(&release.to_le_bytes()),
    }
}

fn back_to(release: u64) -> Cause {
    Cause::Rollback { to: ReleaseNumber(release) }
}

/// The release that a rollback goes to, given the causes of releases 1, 2, 3 ….
fn before_all(causes: Vec<(u64, Cause)>) -> Option<u64> {
    let rows: Vec<Row> =
        causes.into_iter().map(|(release, cause)| row(release, cause)).rev().collect();
    before(&rows.iter().collect::<Vec<_>>()).map(|row| row.release.0)
}

#[test]
fn a_rollback_goes_to_the_release_before() {
    assert_eq!(before_all(vec![(1, Cause::Publish)]), None);
    assert_eq!(before_all(vec![(1, Cause::Publish), (4, Cause::Remove)]), Some(1));
}

#[test]
fn a_second_rollback_goes_further_back_and_not_forth() {
    let three = [(1, Cause::Publish), (2, Cause::Publish), (3, Cause::Publish)];
    let with = |more: &[(u64, Cause)]| before_all([three.as_slice(), more].concat());
    assert_eq!(with(&[(4, back_to(2))]), Some(1));
    assert_eq!(with(&[(4, back_to(1))]), None);
    assert_eq!(
        with(&[(4, back_to(2)), (4, Cause::Rollout)]),
        Some(1),
        "a new share changes nothing"
    );
    assert_eq!(
        with(&[(4, back_to(1)), (5, Cause::Publish)]),
        Some(3),
        "what was rolled back can be gone back to"
    );
}

#[test]
fn versions_count_from_one() {
    assert_eq!(next_version(None), PackVersion(1));
    assert_eq!(next_version(Some(PackVersion(4))), PackVersion(5));
}
