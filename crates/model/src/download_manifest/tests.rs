use std::error::Error as _;

use proptest::prelude::*;

use super::*;
use crate::UrlProblem;
use crate::packaging::PackagingManifest;

fn packaged(id: &str, more: &str) -> PackagingManifest {
    let text = format!(
        r#"{{"assetPackID": "{id}", "downloadPolicy": {{"onDemand": {{}}}}, "fileSelectors": [{{"directory": "."}}],
            "platforms": [{more}}}"#
    );
    PackagingManifest::parse(&text).expect(id)
}

fn archived(manifest: &PackagingManifest, archive_bytes: u64) -> ArchivedPack<'_> {
    ArchivedPack { manifest, archive_bytes }
}

fn base(text: &str) -> BaseUrl {
    text.parse().expect(text)
}

fn read(text: &str) -> Result<DownloadManifest, DownloadManifestError> {
    DownloadManifest::from_json(text.as_bytes())
}

fn versions(manifest: &DownloadManifest) -> Vec<(&str, u64)> {
    manifest.asset_packs.iter().map(|pack| (pack.id.as_str(), pack.version.0)).collect()
}

const PACK: &str = r#"{"id": "a", "url": "https://example.com/a", "version": 3, "downloadSize": 10,
    "downloadPolicy": {"onDemand": {}}, "host": {"thirdParty": {}}}"#;

fn with_pack(from: &str, to: &str) -> String {
    assert!(PACK.contains(from), "{from}");
    format!(r#"{{"assetPacks": [{}]}}"#, PACK.replacen(from, to, 1))
}

#[test]
fn a_new_manifest_looks_as_recorded() {
    let level =
        packaged("level1", r#""linux"], "language": "ja", "userInfo": {"b": 1, "a": [1.5]}"#);
    let music = packaged("music", "]");
    let packs = [archived(&level, 1000), archived(&music, 20)];
    let manifest =
        DownloadManifest::create(&base("https://example.com/packs/"), &packs, &[PackVersion(7)]);
    let golden = r#"{
  "assetPacks": [
    {
      "id": "level1",
      "url": "https://example.com/packs/level1",
      "version": 7,
      "downloadSize": 1000,
      "downloadPolicy": {
        "onDemand": {}
      },
      "host": {
        "thirdParty": {}
      },
      "userInfo": {
        "a": [
          1.5
        ],
        "b": 1
      },
      "language": "ja",
      "platforms": [
        "linux"
      ]
    },
    {
      "id": "music",
      "url": "https://example.com/packs/music",
      "version": 0,
      "downloadSize": 20,
      "downloadPolicy": {
        "onDemand": {}
      },
      "host": {
        "thirdParty": {}
      }
    }
  ]
}
"#;
    let manifest = manifest.expect("two packs");
    assert_eq!(String::from_utf8(manifest.to_json()).expect("JSON is text"), golden);
    assert_eq!(read(golden).expect("own output"), manifest);
}

#[test]
fn an_update_raises_the_given_packs_only() {
    let [a, b, c] = ["a", "b", "c"].map(|id| packaged(id, "]"));
    let old = base("https://old.example.com");
    let packs = [archived(&a, 1), archived(&b, 2), archived(&c, 3)];
    let mut manifest =
        DownloadManifest::create(&old, &packs, &[PackVersion(4), PackVersion(5)]).expect("three");
    let before = manifest.clone();
    manifest.update(Some(&base("https://new.example.com/x")), &[archived(&b, 22)]).expect("listed");
    assert_eq!(versions(&manifest), [("a", 4), ("b", 6), ("c", 0)]);
    assert_eq!(manifest.pack(&a.asset_pack_id), before.pack(&a.asset_pack_id));
    assert_eq!(manifest.pack(&c.asset_pack_id), before.pack(&c.asset_pack_id));
    let raised = manifest.pack(&b.asset_pack_id).expect("still there");
    assert_eq!((raised.url.as_str(), raised.download_size), ("https://new.example.com/x/b", 22));
    manifest.update(None, &[archived(&a, 11)]).expect("listed");
    let raised = manifest.pack(&a.asset_pack_id).expect("still there");
    assert_eq!((raised.url.as_str(), raised.version.0), ("https://old.example.com/a", 5));
}

#[test]
fn a_base_with_the_version_in_it_gives_each_version_an_address_of_its_own() {
    let [a, b] = ["a", "b"].map(|id| packaged(id, "]"));
    let by_version = base("https://example.com/packs/{version}/");
    assert!(by_version.is_by_version() && !base("https://example.com/version").is_by_version());
    assert_eq!(by_version.to_string(), "https://example.com/packs/{version}/");
    let mut manifest =
        DownloadManifest::create(&by_version, &[archived(&a, 1)], &[PackVersion(4)]).expect("one");
    let url = |manifest: &DownloadManifest, pack: &PackagingManifest| {
        manifest.pack(&pack.asset_pack_id).expect("listed").url.to_string()
    };
    assert_eq!(url(&manifest, &a), "https://example.com/packs/4/a");
    manifest.update(Some(&by_version), &[archived(&a, 2), archived(&b, 3)]).expect("listed");
    assert_eq!(url(&manifest, &a), "https://example.com/packs/5/a");
    assert_eq!(url(&manifest, &b), "https://example.com/packs/0/b");
    let inside = base("https://example.com/v{version}-packs");
    manifest.update(Some(&inside), &[archived(&b, 4)]).expect("listed");
    assert_eq!(url(&manifest, &b), "https://example.com/v1-packs/b");
}

#[test]
fn an_update_takes_policy_language_and_info_from_the_archive() {
    let old = packaged("a", r#"], "userInfo": {"x": 1}"#);
    let new = packaged("a", r#""macOS"], "language": "ja""#);
    let mut manifest =
        DownloadManifest::create(&base("https://example.com"), &[archived(&old, 1)], &[])
            .expect("one");
    manifest.update(None, &[archived(&new, 2)]).expect("listed");
    let pack = manifest.pack(&new.asset_pack_id).expect("still there");
    assert_eq!((&pack.language, &pack.platforms), (&new.language, &new.platforms));
    assert_eq!(pack.user_info, None);
}

#[test]
fn an_update_adds_what_is_not_listed_when_it_knows_where() {
    let (a, b) = (packaged("a", "]"), packaged("b", "]"));
    let url = base("https://example.com");
    let mut manifest =
        DownloadManifest::create(&url, &[archived(&a, 1)], &[PackVersion(3)]).expect("one");
    let before = manifest.clone();
    let both = [archived(&a, 2), archived(&b, 2)];
    let error = manifest.update(None, &both).expect_err("no base");
    assert!(matches!(error, DownloadManifestError::BaseUrlMissing { .. }), "{error}");
    assert_eq!(manifest, before);
    manifest.update(Some(&url), &both).expect("a base");
    assert_eq!(versions(&manifest), [("a", 4), ("b", 0)]);
}

#[test]
fn mistakes_in_making_are_named() {
    let a = packaged("a", "]");
    let url = base("https://example.com");
    let twice = [archived(&a, 1), archived(&a, 1)];
    assert!(matches!(
        DownloadManifest::create(&url, &twice, &[]),
        Err(DownloadManifestError::Duplicate { .. })
    ));
    assert!(matches!(
        DownloadManifest::create(&url, &[archived(&a, 1)], &[PackVersion(1), PackVersion(2)]),
        Err(DownloadManifestError::Versions { packs: 1, versions: 2 })
    ));
    let mut last =
        DownloadManifest::create(&url, &[archived(&a, 1)], &[PackVersion(u64::MAX)]).expect("one");
    assert!(matches!(
        last.update(None, &[archived(&a, 1)]),
        Err(DownloadManifestError::LastVersion { .. })
    ));
    assert!(matches!(last.update(None, &twice), Err(DownloadManifestError::LastVersion { .. })));
    let braces = "https://example.com/{id}/{version}";
    for text in ["mailto:x", "https://example.com/?a", "https://example.com/#a", "packs", braces] {
        let error = text.parse::<BaseUrl>().expect_err(text);
        assert!(matches!(error, DownloadManifestError::BaseUrl { .. }), "{text}");
    }
}

#[test]
fn unknown_keys_are_kept() {
    let text = with_pack("\"version\"", "\"zone\": {\"b\": 1, \"a\": 2}, \"version\"");
    let text = text.replacen('{', "{\"made\": 1, ", 1);
    let mut manifest = read(&text).expect("unknown keys are fine");
    manifest.update(None, &[archived(&packaged("a", "]"), 5)]).expect("listed");
    let again = DownloadManifest::from_json(&manifest.to_json()).expect("own output");
    assert_eq!(again.other.get("made"), Some(&1.into()));
    let pack = again.asset_packs.first().expect("one");
    assert_eq!(pack.other.get("zone"), Some(&serde_json::json!({"a": 2, "b": 1})));
    assert_eq!(pack.version, PackVersion(4));
}

#[test]
fn a_manifest_without_host_is_self_hosted() {
    let text = with_pack(", \"host\": {\"thirdParty\": {}}", "");
    assert_eq!(read(&text).expect("host may be left out").asset_packs[0].host, Host::ThirdParty {});
}

#[test]
fn each_value_of_a_wrong_type_is_refused() {
    for (from, to) in [
        ("\"id\": \"a\"", "\"id\": \"a/b\""),
        ("\"id\": \"a\",", ""),
        ("\"https://example.com/a\"", "\"a\""),
        ("3", "-1"),
        ("3", "1.5"),
        ("3", "\"3\""),
        ("10", "18446744073709551616"),
        ("{\"onDemand\": {}}", "\"onDemand\""),
        ("{\"thirdParty\": {}}", "{\"apple\": {}}"),
        ("\"version\": 3", "\"version\": 3, \"version\": 4"),
        ("\"version\": 3", "\"version\": 3, \"platforms\": [\"iPadOS\"]"),
        ("\"version\": 3", "\"version\": 3, \"language\": \"en_US\""),
    ] {
        let error = read(&with_pack(from, to)).expect_err(to);
        assert!(matches!(error, DownloadManifestError::Json(_)), "{to}: {error}");
        assert!(error.source().expect("a cause").to_string().contains("line"), "{to}");
    }
    assert!(read(&with_pack("3", "3")).is_ok());
    assert!(read("{}").is_err() && read("[]").is_err() && read("").is_err());
}

#[test]
fn a_pack_that_is_listed_twice_is_refused() {
    let text = format!(r#"{{"assetPacks": [{PACK}, {PACK}]}}"#);
    assert!(matches!(read(&text), Err(DownloadManifestError::Duplicate { .. })));
}

#[test]
fn sizes_are_limited() {
    let large = vec![b' '; DOWNLOAD_MANIFEST_BYTES_MAX + 1];
    let error = DownloadManifest::from_json(&large).expect_err("too large");
    assert!(matches!(error, DownloadManifestError::TooLarge { .. }), "{error}");
    let packs: Vec<String> =
        (0..=PACKS_MAX).map(|n| PACK.replacen("\"a\"", &format!("\"p{n}\""), 1)).collect();
    let error = read(&format!(r#"{{"assetPacks": [{}]}}"#, packs.join(","))).expect_err("too many");
    assert!(matches!(error, DownloadManifestError::TooMany { .. }), "{error}");
}

#[test]
fn urls_are_judged_by_the_policy_of_the_caller() {
    let with_url = |url: &str| read(&with_pack("https://example.com/a", url)).expect(url);
    assert!(with_url("https://example.com/a").check_urls(UrlPolicy::Secure).is_ok());
    let loopback = with_url("http://127.0.0.1:8080/a");
    assert!(loopback.check_urls(UrlPolicy::Development).is_ok());
    assert!(matches!(
        loopback.check_urls(UrlPolicy::Secure),
        Err(DownloadManifestError::Url { source: UrlProblem::Http { .. }, .. })
    ));
    assert!(with_url("file:///etc/passwd").check_urls(UrlPolicy::Insecure).is_err());
}

#[test]
fn platforms_decide_who_may_have_a_pack() {
    let pack =
        |more: &str| read(&with_pack("\"version\"", &format!("{more} \"version\""))).expect(more);
    let for_linux = pack("\"platforms\": [\"linux\"],");
    assert!(for_linux.asset_packs[0].is_for(Some(Platform::Linux)));
    assert!(!for_linux.asset_packs[0].is_for(Some(Platform::Ios)));
    assert!(pack("").asset_packs[0].is_for(None));
}

proptest! {
    #[test]
    fn any_bytes_end_in_a_manifest_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = DownloadManifest::from_json(&bytes);
    }

    #[test]
    fn what_is_written_reads_back(
        ids in prop::collection::btree_set("[a-z]{1,8}", 0..6), version in any::<u64>(), size in any::<u64>(),
    ) {
        let manifests: Vec<PackagingManifest> = ids.iter().map(|id| packaged(id, "]")).collect();
        let packs: Vec<ArchivedPack<'_>> = manifests.iter().map(|manifest| archived(manifest, size)).collect();
        let versions = vec![PackVersion(version); packs.len()];
        let manifest = DownloadManifest::create(&base("https://example.com/a"), &packs, &versions).expect("good input");
        let json = manifest.to_json();
        let back = DownloadManifest::from_json(&json).expect("own output");
        prop_assert_eq!(&back, &manifest);
        prop_assert_eq!(back.to_json(), json);
    }
}
