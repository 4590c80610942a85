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
        app_versions: None,
        fallbacks: Vec::new(),
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
    let later = Catalog { format: 3, ..catalog(Vec::new()) };
    assert!(matches!(
        Catalog::from_json(&later.to_json()),
        Err(CatalogError::Format { format: 3 })
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

fn for_app(version: u64, range: Option<&str>) -> CatalogPack {
    let app_versions = range.map(|range| range.parse().expect("a range"));
    CatalogPack { version: PackVersion(version), app_versions, ..pack("a") }
}

fn told_apart(packs: Vec<CatalogPack>) -> Catalog {
    let catalog = catalog(packs);
    Catalog { format: catalog.format_needed(), ..catalog }
}

#[test]
fn only_a_catalog_that_tells_versions_of_the_app_apart_has_the_newer_format() {
    let plain = told_apart(vec![for_app(1, None)]);
    assert_eq!(plain.format, 1);
    let text = String::from_utf8(plain.to_json()).expect("JSON");
    assert!(!text.contains("appVersions") && !text.contains("fallbacks"), "{text}");
    let ranged = told_apart(vec![for_app(2, Some(">=2")).with_fallbacks([for_app(1, None)])]);
    assert_eq!(ranged.format, 2, "devices that cannot tell them apart refuse it");
    assert_eq!(Catalog::from_json(&ranged.to_json()).expect("own output"), ranged);
    let mut former = catalog(Vec::new());
    former.former = vec![for_app(1, Some("<2"))];
    assert_eq!(former.format_needed(), 2);
}

#[test]
fn broken_rules_about_versions_of_the_app_are_named() {
    let refused = |catalog: Catalog| match Catalog::from_json(&catalog.to_json()) {
        Err(CatalogError::AppVersions { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    let ranged = for_app(9, Some(">=2"));
    refused(catalog(vec![ranged.clone()]));
    let with =
        |fallbacks: Vec<CatalogPack>| told_apart(vec![CatalogPack { fallbacks, ..ranged.clone() }]);
    refused(with(vec![for_app(1, None); FALLBACKS_MAX + 1]));
    refused(with(vec![pack("b")]));
    let nested = for_app(2, Some("<2"));
    refused(with(vec![CatalogPack { fallbacks: vec![for_app(1, None)], ..nested }]));
    let of_all = CatalogPack { fallbacks: vec![for_app(1, None)], ..pack("b") };
    refused(told_apart(vec![ranged.clone(), of_all]));
    let large = CatalogPack { installed_size: SIZE_BYTES_MAX + 1, ..for_app(1, None) };
    assert!(matches!(
        Catalog::from_json(&with(vec![large]).to_json()),
        Err(CatalogError::Size { .. })
    ));
}

#[test]
fn a_version_of_the_app_gets_the_newest_pack_that_is_for_it() {
    let newest = for_app(4, Some(">=2, <3"));
    let all = newest.with_fallbacks([for_app(3, Some(">=3")), for_app(2, Some(">=1.5"))]);
    let chosen = |version: &str| {
        let version = crate::app_bundle::AppVersion::new(version).expect("a version");
        let chosen = all.choose(&version);
        assert!(chosen.as_ref().is_none_or(|chosen| chosen.fallbacks.is_empty()));
        chosen.map(|chosen| chosen.version.0)
    };
    assert_eq!(chosen("2.4"), Some(4));
    assert_eq!(chosen("3.0"), Some(3));
    assert_eq!(chosen("1.7"), Some(2));
    assert_eq!(chosen("1.0"), None);
}

#[test]
fn what_newer_versions_are_for_needs_no_older_fallback() {
    let kept = |range, earlier: &[(u64, Option<&str>)]| {
        let earlier = earlier.iter().map(|(version, range)| for_app(*version, *range));
        let all = for_app(9, range).with_fallbacks(earlier);
        all.fallbacks.iter().map(|pack| pack.version.0).collect::<Vec<_>>()
    };
    assert_eq!(kept(None, &[(8, None), (7, Some("<2"))]), [0_u64; 0]);
    assert_eq!(kept(Some(">=2"), &[(8, Some(">=2")), (7, None), (6, None)]), [7]);
    assert_eq!(kept(Some(">=2"), &[(8, Some("<2")), (7, None)]), [8], "together they are for all");
    let many: Vec<String> = (0..30).map(|n| format!("={n}")).collect();
    let many: Vec<_> = many.iter().map(|range| (1, Some(range.as_str()))).collect();
    assert_eq!(kept(Some(">=100"), &many).len(), FALLBACKS_MAX);
}
