//! Plain download manifests.

use headstart::{
    AppGroupId, AssetPack, AssetPackManifest, ContentRequest, Download, DownloadKind, ErrorKind,
    PackVersion, Trust,
};

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

/// With a pack of each kind and two languages.
fn manifest_of_all_kinds() -> AssetPackManifest {
    let policies = [
        ("first", r#"{"essential": {"installationEventTypes": ["firstInstallation"]}}"#, ""),
        (
            "always",
            r#"{"essential": {"installationEventTypes": ["firstInstallation", "subsequentUpdate"]}}"#,
            "",
        ),
        ("later", r#"{"prefetch": {"installationEventTypes": ["firstInstallation"]}}"#, ""),
        ("never", r#"{"onDemand": {}}"#, ""),
        (
            "klingon",
            r#"{"prefetch": {"installationEventTypes": ["firstInstallation"]}}"#,
            r#", "language": "tlh""#,
        ),
    ];
    let packs = policies.map(|(id, policy, language)| {
        format!(
            r#"{{"id": "{id}", "url": "https://assets.example.com/{id}", "version": 1,
                "downloadSize": 9, "downloadPolicy": {policy}, "host": {{"thirdParty": {{}}}}
                {language}}}"#
        )
    });
    let json = format!(r#"{{"assetPacks": [{}]}}"#, packs.join(","));
    AssetPackManifest::from_bytes(json.as_bytes(), &group()).unwrap()
}

#[test]
fn the_download_of_a_pack_is_that_of_its_archive() {
    let manifest = manifest_of_all_kinds();
    let pack = manifest.asset_pack("first").unwrap();
    let download = pack.download(Some(ContentRequest::Install)).unwrap();
    assert_eq!((download.identifier(), download.kind()), ("first", DownloadKind::AssetPack));
    assert_eq!(download.url(), "https://assets.example.com/first");
    assert_eq!((download.file_size(), download.app_group()), (Some(9), &group()));
    assert!(download.is_essential() && !download.is_url_download());
    for request in [
        None,
        Some(ContentRequest::Update),
        Some(ContentRequest::Periodic),
        Some(ContentRequest::LanguageChange),
    ] {
        assert!(!pack.download(request).unwrap().is_essential(), "{request:?}");
    }
    let again = pack.download(None).unwrap();
    assert_ne!(again.unique_identifier(), download.unique_identifier());
}

#[test]
fn the_downloads_of_a_manifest_are_those_that_apply_and_that_the_request_is_about() {
    let manifest = manifest_of_all_kinds();
    let names = |request| {
        let downloads = manifest.all_downloads(request).unwrap();
        let name = |download: &Download| {
            let mark = if download.is_essential() { "!" } else { "" };
            format!("{}{mark}", download.identifier())
        };
        downloads.iter().map(name).collect::<Vec<_>>()
    };
    // Nobody here reads Klingon.
    assert_eq!(names(None), ["always", "first", "later", "never"]);
    assert_eq!(names(Some(ContentRequest::Install)), ["always!", "first!", "later"]);
    assert_eq!(names(Some(ContentRequest::Update)), ["always!"]);
    assert_eq!(names(Some(ContentRequest::Periodic)), ["always", "first", "later"]);
    assert_eq!(names(Some(ContentRequest::LanguageChange)), ["always", "first", "later"]);
}

#[test]
fn a_pack_that_the_service_manages_has_no_download() {
    let json = serde_json::to_value(crate::samples::pack("a")).unwrap();
    let pack: AssetPack = serde_json::from_value(json).unwrap();
    let error = pack.download(None).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Usage, "assetPackManaged"));
    assert!(error.hint().unwrap().contains("ensure_local_availability"));
}
