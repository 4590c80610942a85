use headstart::AppGroupId;

use super::*;
use crate::asset_pack::AssetPackSnapshot;
use crate::{Manifest, UrlDownload, UrlDownloadOptions};

const GROUP: &str = "group.com.example.game";

/// Answers with this download, or panics at whatever it is asked.
#[derive(Clone)]
struct Handler(Option<Download>);

impl DownloaderExtensionHandler for Handler {
    fn downloads(
        &mut self,
        _: ContentRequest,
        _: &str,
        _: &AppExtensionInfo,
    ) -> Result<Vec<Download>> {
        Ok(vec![self.0.clone().unwrap()])
    }

    fn download_failed(&mut self, _: &Download, _: &BackgroundAssetsError) {
        self.0.as_ref().unwrap();
    }
}

impl ManagedHandler for Handler {
    fn should_download_asset_pack(&mut self, _: &AssetPackSnapshot) -> bool {
        self.0.as_ref().unwrap();
        false
    }
}

fn download(essential: bool) -> Download {
    let options = UrlDownloadOptions { essential, ..UrlDownloadOptions::default() };
    let made = UrlDownload::with_options("a", "https://example.com/a", 7, GROUP, options);
    made.unwrap().into_download()
}

struct Asked {
    adapter: Adapter<Handler>,
    stream: ExtensionEventStream,
}

fn asked(handler: Option<Handler>) -> Asked {
    let events = Events::new(8);
    let stream = events.stream(|| ());
    Asked { adapter: Adapter { handler: Arc::new(Mutex::new(handler)), events }, stream }
}

impl Asked {
    fn plan(&mut self, request: headstart::ContentRequest) -> Result<usize, headstart::Error> {
        let info = headstart::extension::AppExtensionInfo::default();
        self.adapter.downloads(request, Path::new("/manifest"), info).map(|all| all.len())
    }

    /// Whether the end of a download is acknowledged.
    fn fail(&mut self) -> bool {
        let failure = Failure::new(ErrorKind::Network, "connectionFailed", "it is gone");
        let (download, adapter) = (download(false).inner, &mut self.adapter);
        catch_unwind(AssertUnwindSafe(|| adapter.failed(&download, &failure.into()))).is_ok()
    }
}

#[test]
fn a_panic_at_a_failed_download_acknowledges_nothing_and_is_delivered() {
    for (handler, acknowledged) in
        [(Some(Handler(Some(download(false)))), true), (Some(Handler(None)), false), (None, false)]
    {
        let mut asked = asked(handler);
        assert_eq!(asked.fail(), acknowledged);
        assert!(matches!(asked.stream.try_next(), Some(ExtensionEvent::DownloadFailed { .. })));
    }
}

#[test]
fn a_panic_instead_of_a_plan_is_a_plan_that_failed() {
    let mut asked = asked(Some(Handler(None)));
    let error = asked.plan(headstart::ContentRequest::Install).unwrap_err();
    assert_eq!(error.code(), "downloadPlanFailed");
    let Some(ExtensionEvent::DownloadPlanFailed { error, manifest_url, .. }) =
        asked.stream.try_next()
    else {
        panic!("the event is delivered");
    };
    assert_eq!((error.domain(), error.code()), ("BackgroundAssetsBridge", -1));
    assert_eq!(manifest_url, "file:///manifest");
}

#[test]
fn a_plan_with_essential_downloads_is_for_installations_and_updates() {
    use headstart::ContentRequest::{Install, LanguageChange, Periodic, Update};

    for (request, permitted) in
        [(Install, true), (Update, true), (Periodic, false), (LanguageChange, false)]
    {
        let mut asked = asked(Some(Handler(Some(download(true)))));
        assert_eq!(asked.plan(request).ok(), permitted.then_some(1));
        match asked.stream.try_next() {
            Some(ExtensionEvent::DownloadsRequested { planned_downloads, .. }) => {
                assert!(permitted && planned_downloads[0].is_essential);
            }
            Some(ExtensionEvent::DownloadPlanFailed { error, .. }) => {
                assert_eq!((permitted, error.code()), (false, 109));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn without_a_handler_the_plan_is_empty_and_packs_are_wanted() {
    let group = AppGroupId::new(GROUP).unwrap();
    let manifest = br#"{"assetPacks": [{"id": "maps", "url": "https://example.com/maps",
        "version": 3, "downloadSize": 1000, "downloadPolicy": {"onDemand": {}},
        "host": {"thirdParty": {}}}]}"#;
    let pack = Manifest::from_bytes(manifest, group.as_str()).unwrap().asset_packs().remove(0);
    for (handler, wanted) in
        [(None, true), (Some(Handler(None)), true), (Some(Handler(Some(download(false)))), false)]
    {
        let mut asked = asked(handler);
        assert_eq!(asked.adapter.should_download(&pack.inner), wanted);
        let told = asked.stream.try_next();
        let Some(ExtensionEvent::ShouldDownloadAssetPack { should_download, .. }) = told else {
            panic!("{told:?}");
        };
        assert_eq!(should_download, wanted);
    }
    assert_eq!(asked(None).plan(headstart::ContentRequest::Install).unwrap(), 0);
}
