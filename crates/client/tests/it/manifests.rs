//! Plain download manifests.

use headstart::{AppGroupId, AssetPack, AssetPackManifest, ErrorKind, PackVersion, Trust};

const MANIFEST: &str = r#"{"assetPacks": [
    {"id": "voices", "url": "https://assets.example.com/voices", "version": 0, "downloadSize": 7,
     "downloadPolicy": {"onDemand": {}}, "host": {"thirdParty": {}}, "language": "ja"},
    {"id": "maps", "url": "https://assets.example.com/maps", "version": 3, "downloadSize": 1000,
     "downloadPolicy": {"essential": {"installationEventTypes": ["firstInstallation"]}},
     "host": {"thirdParty": {}}, "userInfo": {"title": "Maps"}, "unknown": true}
]}"#;

fn group() -> AppGroupId {
    AppGroupId::new("group.com.example.game").unwrap()
}

fn code(result: Result<AssetPackManifest, headstart::Error>) -> (ErrorKind, String) {
    let error = result.unwrap_err();
    assert!(error.hint().is_some(), "{error}");
    (error.kind(), error.code().to_owned())
}

#[test]
fn a_manifest_of_bytes_lists_its_packs_by_id() {
    let manifest = AssetPackManifest::from_bytes(MANIFEST.as_bytes(), &group()).unwrap();
    let ids: Vec<_> = manifest.asset_packs().iter().map(AssetPack::id).collect();
    assert_eq!(ids, ["maps", "voices"]);
    assert_eq!(manifest.app_group(), Some(&group()));
    let maps = manifest.asset_pack("maps").unwrap();
    assert_eq!((maps.version(), maps.download_size()), (PackVersion(3), 1000));
    assert_eq!(maps.user_info().unwrap()["title"], "Maps");
    assert_eq!((maps.policy().name(), maps.installed_size()), ("essential", None));
    assert_eq!(maps.archive_url(), Some("https://assets.example.com/maps"));
    assert_eq!(maps.trust(), Trust::TransportOnly, "nothing but the connection vouches for it");
    assert_eq!(manifest.asset_pack("voices").unwrap().language().unwrap().as_str(), "ja");
    assert!(manifest.asset_pack("nothing").is_none());
    let ja = "ja".parse().unwrap();
    let localized = manifest.localized_asset_packs_for(&ja);
    assert_eq!(localized.map(AssetPack::id).collect::<Vec<_>>(), ["voices"]);
    assert_eq!(manifest.available_languages(), [ja]);
}

#[test]
fn a_manifest_is_read_from_a_path_or_a_file_url() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a manifest.json");
    std::fs::write(&path, MANIFEST).unwrap();
    let path = path.to_str().unwrap();
    let url = format!("file://{}", path.replace(' ', "%20"));
    let of_bytes = AssetPackManifest::from_bytes(MANIFEST.as_bytes(), &group()).unwrap();
    for place in [path, url.as_str()] {
        assert_eq!(AssetPackManifest::from_url(place, &group()).unwrap(), of_bytes);
    }
}

#[test]
fn what_is_no_manifest_is_refused_with_a_way_out() {
    let refused = (ErrorKind::InvalidInput, "downloadManifestRefused".to_owned());
    let twice = MANIFEST.replace("voices", "maps");
    for text in ["", "[]", "{}", r#"{"assetPacks": 1}"#, &twice] {
        assert_eq!(
            code(AssetPackManifest::from_bytes(text.as_bytes(), &group())),
            refused,
            "{text}"
        );
    }
    let wrong = (ErrorKind::Usage, "invalidManifestUrl".to_owned());
    for url in ["https://example.com/manifest", "", "file://host/manifest"] {
        assert_eq!(code(AssetPackManifest::from_url(url, &group())), wrong, "{url}");
    }
    let missing = (ErrorKind::NotFound, "manifestUnreadable".to_owned());
    assert_eq!(code(AssetPackManifest::from_url("/no/such/manifest.json", &group())), missing);
    let folder = tempfile::tempdir().unwrap();
    let (kind, code) = code(AssetPackManifest::from_url(folder.path().to_str().unwrap(), &group()));
    assert_eq!((kind, code.as_str()), (ErrorKind::InvalidInput, "manifestUnreadable"));
}

#[test]
fn a_pack_goes_through_json_unchanged() {
    let manifest = AssetPackManifest::from_bytes(MANIFEST.as_bytes(), &group()).unwrap();
    for pack in manifest.asset_packs() {
        let json = serde_json::to_string(pack).unwrap();
        assert_eq!(serde_json::from_str::<AssetPack>(&json).unwrap(), *pack);
    }
    let json = serde_json::to_value(manifest.asset_pack("maps").unwrap()).unwrap();
    assert_eq!((&json["id"], &json["version"]), (&"maps".into(), &3.into()));
}
