use super::*;

fn pack(id: &str) -> CatalogPack {
    CatalogPack {
        id: PackId::new(id).expect("a good id"),
        version: PackVersion(1),
        download_policy: DownloadPolicy::on_demand(),
        platforms: vec![Platform::Linux],
        language: None,
        user_info: None,
        download_size: 10,
        installed_size: 20,
        file_count: 1,
        content: Digest::of(b"content"),
        index: IndexRef { digest: Digest::of(b"index"), structure_bytes: 4, names_bytes: 32 },
        full: BundleRef { digest: Digest::of(b"bundle"), bytes: 6 },
        deltas: Vec::new(),
        former: None,
    }
}

fn catalog(packs: Vec<CatalogPack>) -> Catalog {
    Catalog {
        format: Catalog::FORMAT,
        channel: ChannelName::production(),
        release: ReleaseNumber(3),
        published_at: "2026-01-01T00:00:00Z".to_owned(),
        rollout_percent: 100,
        packs,
        former: Vec::new(),
    }
}

#[test]
fn json_round_trips() {
    let catalog = catalog(vec![pack("a"), pack("b")]);
    assert_eq!(Catalog::from_json(&catalog.to_json()).expect("own output"), catalog);
}

#[test]
fn broken_rules_are_named() {
    let twice = catalog(vec![pack("a"), pack("a")]);
    assert!(matches!(Catalog::from_json(&twice.to_json()), Err(CatalogError::Duplicate { .. })));
    let later = Catalog { format: 2, ..catalog(Vec::new()) };
    assert!(matches!(
        Catalog::from_json(&later.to_json()),
        Err(CatalogError::Format { format: 2 })
    ));
    let share = Catalog { rollout_percent: 101, ..catalog(Vec::new()) };
    assert!(matches!(
        Catalog::from_json(&share.to_json()),
        Err(CatalogError::Rollout { percent: 101 })
    ));
}

#[test]
fn sizes_that_nothing_has_are_refused() {
    let with = |change: fn(&mut CatalogPack, u64), bytes| {
        let mut large = pack("a");
        change(&mut large, bytes);
        Catalog::from_json(&catalog(vec![large]).to_json())
    };
    let delta = |bytes, structure_bytes| DeltaRef {
        from: PackVersion(1),
        from_content: Digest::of(b"old"),
        digest: Digest::of(b"delta"),
        bytes,
        structure_digest: Digest::of(b"structure"),
        structure_bytes,
    };
    let changes: [fn(&mut CatalogPack, u64); 6] = [
        |pack, bytes| pack.download_size = bytes,
        |pack, bytes| pack.installed_size = bytes,
        |pack, bytes| pack.index.structure_bytes = bytes,
        |pack, bytes| pack.index.names_bytes = bytes,
        |pack, bytes| pack.full.bytes = bytes,
        |pack, bytes| pack.former = Some(FormerRef { digest: Digest::of(b"f"), bytes }),
    ];
    for change in changes {
        assert!(with(change, SIZE_BYTES_MAX).is_ok());
        let refused = with(change, SIZE_BYTES_MAX + 1);
        assert!(matches!(refused, Err(CatalogError::Size { bytes, .. }) if bytes > SIZE_BYTES_MAX));
    }
    let mut former = catalog(vec![pack("a")]);
    former.former = vec![CatalogPack { deltas: vec![delta(1, u64::MAX)], ..pack("a") }];
    let refused = Catalog::from_json(&former.to_json());
    assert!(matches!(refused, Err(CatalogError::Size { bytes: u64::MAX, .. })));
}

#[test]
fn a_growing_rollout_only_adds_devices() {
    let with_share = |percent| Catalog { rollout_percent: percent, ..catalog(vec![pack("new")]) };
    let reached = |percent| {
        let catalog = with_share(percent);
        (0_u32..2_000)
            .filter(|n| !catalog.packs_for(&n.to_le_bytes()).is_empty())
            .collect::<Vec<_>>()
    };
    let (ten, half) = (reached(10), reached(50));
    assert!(ten.iter().all(|device| half.contains(device)));
    assert!(
        (100..300).contains(&ten.len()) && (850..1150).contains(&half.len()),
        "{} {}",
        ten.len(),
        half.len()
    );
    assert!(reached(0).is_empty());
}

#[test]
fn platforms_decide_who_may_have_a_pack() {
    assert!(pack("a").is_for(Some(Platform::Linux)));
    assert!(!pack("a").is_for(Some(Platform::Ios)));
    assert!(!pack("a").is_for(None));
}
