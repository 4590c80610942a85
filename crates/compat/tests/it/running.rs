//! Delegates and streams of this crate.

use std::time::Duration;

#[test]
fn an_extension_outside_of_the_service_is_asked_nothing() {
    use backgroundassets::{
        ManagedDownloaderExtensionHandler, install_global_managed_downloader_extension,
    };

    struct Handler;
    impl ManagedDownloaderExtensionHandler for Handler {}
    let first = install_global_managed_downloader_extension(Handler, 0);
    assert!(!first.is_closed());
    let second = install_global_managed_downloader_extension(Handler, 16);
    assert!(first.is_closed(), "another took its place");
    drop(first);
    assert!(!second.is_closed(), "what was replaced does not unregister what replaced it");
    assert_eq!((second.buffered_count(), second.try_next()), (0, None));
    let waits = futures_lite::future::block_on(futures_lite::future::or(
        async {
            second.next().await;
            false
        },
        async { true },
    ));
    assert!(waits, "nobody asks");
    let began = std::time::Instant::now();
    drop(second);
    assert!(began.elapsed() < Duration::from_secs(10), "and nobody is waited for");
}
