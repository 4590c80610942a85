use super::*;
use crate::asset_pack::AssetPackSnapshot;
use crate::error::Result;
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

/// What a question about packs or downloads is answered, and what is heard of it.
fn asked<A>(
    tell: impl FnOnce(Question) -> Option<ExtensionEvent>,
    question: impl FnOnce(Reply<A>) -> Question,
) -> (Option<Result<A, headstart::Error>>, ExtensionEvent) {
    let (reply, answer) = Reply::channel();
    let event = tell(question(reply)).expect("the event is delivered");
    (answer.wait(), event)
}

fn plan(
    handler: &mut Handler,
    request: headstart::ContentRequest,
) -> (Result<usize, headstart::Error>, ExtensionEvent) {
    let (manifest, info) = ("/manifest".into(), headstart::extension::AppExtensionInfo::default());
    let question = |reply| Question::Downloads { request, manifest, info, reply };
    let (answer, event) = asked(|question| unmanaged(handler, question), question);
    (answer.expect("an answer").map(|planned| planned.len()), event)
}

#[test]
fn a_panic_at_a_failed_download_acknowledges_nothing_and_is_delivered() {
    for (mut handler, acknowledged) in
        [(Handler(Some(download(false))), true), (Handler(None), false)]
    {
        let failure = Failure::new(ErrorKind::Network, "connectionFailed", "it is gone");
        let (download, error) = (download(false).0, failure.into());
        let question = |reply| Question::Failed { download, error, reply };
        let (answer, event) = asked(|question| unmanaged(&mut handler, question), question);
        assert_eq!(answer.is_some_and(|answer| answer.is_ok()), acknowledged);
        assert!(matches!(event, ExtensionEvent::DownloadFailed { .. }));
    }
}

#[test]
fn a_panic_instead_of_a_plan_is_a_plan_that_failed() {
    let (answer, event) = plan(&mut Handler(None), headstart::ContentRequest::Install);
    assert_eq!(answer.unwrap_err().code(), "downloadPlanFailed");
    let ExtensionEvent::DownloadPlanFailed { error, manifest_url, .. } = event else {
        panic!("{event:?}");
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
        let (answer, event) = plan(&mut Handler(Some(download(true))), request);
        assert_eq!(answer.ok(), permitted.then_some(1));
        match event {
            ExtensionEvent::DownloadsRequested { planned_downloads, .. } => {
                assert!(permitted && planned_downloads[0].is_essential);
            }
            ExtensionEvent::DownloadPlanFailed { error, .. } => {
                assert_eq!((permitted, error.code()), (false, 109));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_panic_instead_of_a_word_about_a_pack_is_that_it_is_wanted() {
    let manifest = br#"{"assetPacks": [{"id": "maps", "url": "https://example.com/maps",
        "version": 3, "downloadSize": 1000, "downloadPolicy": {"onDemand": {}},
        "host": {"thirdParty": {}}}]}"#;
    let pack = Manifest::from_bytes(manifest, GROUP).unwrap().asset_packs().remove(0).0;
    for (mut handler, wanted) in [(Handler(None), true), (Handler(Some(download(false))), false)] {
        let question = |reply| Question::ShouldDownload { pack: pack.clone(), reply };
        let (answer, event) = asked(|question| managed(&mut handler, question), question);
        assert_eq!(answer.unwrap().unwrap(), wanted);
        let ExtensionEvent::ShouldDownloadAssetPack { should_download, .. } = event else {
            panic!("{event:?}");
        };
        assert_eq!(should_download, wanted);
    }
}

/// What nobody asks for stays open until it is dropped or replaced, and the handler with it.
#[test]
fn a_handler_is_dropped_with_its_stream_and_by_who_takes_its_place() {
    let held = || Handler(Some(download(false)));
    let first = install_global_downloader_extension(held(), 1);
    let managed = install_global_managed_downloader_extension(held(), 0);
    let second = install_global_downloader_extension(held(), 1);
    assert!(first.is_closed() && !second.is_closed() && !managed.is_closed());
    drop(first);
    assert!(!second.is_closed());
}

/// Else the service would tell it again and again.
#[test]
fn an_extension_of_packs_acknowledges_what_became_of_single_downloads() {
    let failure = Failure::new(ErrorKind::Network, "connectionFailed", "it is gone");
    let (reply, answer) = Reply::channel();
    let question = Question::Failed { download: download(false).0, error: failure.into(), reply };
    assert!(managed(&mut Handler(None), question).is_none());
    assert!(answer.wait().is_some_and(|answer| answer.is_ok()));
}
