//! What values are, without any service.

use backgroundassets::async_api::AsyncAssetPackManager;
use backgroundassets::{
    AppExtensionInfo, AssetPack, AssetPackManager, AssetPackStatus, ContentRequest, Download,
    DownloadManager, DownloadPriority, DownloadStatus, ManagedBackgroundAssetsErrorCode, Manifest,
    UrlDownload, UrlDownloadOptions,
};

const MANIFEST: &str = r#"{"assetPacks": [
    {"id": "maps", "url": "https://assets.example.com/maps", "version": 3, "downloadSize": 1000,
     "downloadPolicy": {"essential": {"installationEventTypes": ["firstInstallation"]}},
     "host": {"thirdParty": {}}, "userInfo": {"title": "Maps"}}
]}"#;

const GROUP: &str = "group.com.example.game";

#[test]
fn flags_are_those_of_the_original() {
    let both = AssetPackStatus::DOWNLOADED | AssetPackStatus::UP_TO_DATE;
    assert_eq!(both.bits(), 0b100_0100);
    assert!(both.contains(AssetPackStatus::DOWNLOADED) && !both.is_empty());
    assert_eq!(serde_json::to_value(both).unwrap(), 68);
}

#[test]
fn a_download_is_made_and_refused_with_the_original_codes() {
    let made = UrlDownload::new("a", "https://example.com/a", 7, GROUP).unwrap();
    assert_eq!((made.identifier().as_str(), made.status()), ("a", DownloadStatus::Created));
    assert!(made.is_url_download() && !made.is_essential());
    let refused = UrlDownload::new("a", "http://example.com/a", 7, GROUP).unwrap_err();
    assert_eq!((refused.domain(), refused.code()), ("BAErrorDomain", 0));
    let options = UrlDownloadOptions {
        essential: true,
        priority: DownloadPriority::max(),
        ..UrlDownloadOptions::default()
    };
    let essential =
        UrlDownload::with_options("a", "https://example.com/a", 7, GROUP, options).unwrap();
    assert!(
        essential.is_essential()
            && essential.priority().raw_value() > DownloadPriority::min().raw_value()
    );
    assert_eq!(DownloadPriority::default(), DownloadPriority::default_value());
    let plain = essential.removing_essential().unwrap();
    assert!(!plain.is_essential());
    let post = UrlDownloadOptions { method: "POST".to_owned(), ..UrlDownloadOptions::default() };
    UrlDownload::with_options("a", "https://example.com/a", 7, GROUP, post).unwrap_err();
}

#[test]
fn a_manifest_gives_packs_and_downloads() {
    let manifest = Manifest::from_bytes(MANIFEST.as_bytes(), GROUP).unwrap();
    let pack = &manifest.asset_packs()[0];
    assert_eq!((pack.id().as_str(), pack.version(), pack.download_size()), ("maps", 3, 1000));
    assert_eq!(pack.user_info().unwrap(), br#"{"title":"Maps"}"#);
    assert!(pack.download_for_request(ContentRequest::Install).unwrap().is_essential());
    assert!(!pack.download().unwrap().is_essential());
    assert_eq!(manifest.all_downloads().unwrap().len(), 1);
    assert_eq!(manifest.all_downloads_for_request(ContentRequest::Update).unwrap().len(), 0);
    assert_eq!(manifest.description(), "1 asset packs");
    Manifest::from_bytes(b"{}", GROUP).unwrap_err();
}

#[test]
fn codes_go_to_numbers_and_back() {
    for code in [0, 1, 7] {
        assert_eq!(ManagedBackgroundAssetsErrorCode::from_raw(code).raw_value(), code);
    }
    assert!(ContentRequest::Update.allows_essential_downloads());
    assert!(!ContentRequest::Periodic.allows_essential_downloads());
}

/// What programs rely on that hand these to other threads. The original says it in so many words.
#[test]
fn handles_can_be_cloned_and_sent() {
    fn can<T: Clone + Send + Sync + std::fmt::Debug + 'static>() {}
    can::<AppExtensionInfo>();
    can::<AssetPack>();
    can::<AssetPackManager>();
    can::<AsyncAssetPackManager>();
    can::<Download>();
    can::<DownloadManager>();
    can::<Manifest>();
}
