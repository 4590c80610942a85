//! Registering a managed extension as version 0.3 did: with a delegate beside the handler.

use std::fmt;

use headstart::recent::channel;

use super::{DownloaderExtensionHandler, ExtensionEventStream, install};
use crate::download::{
    DownloadManagerDelegate, DownloadManagerEventStream, install_global_download_manager_delegate,
};

/// What is registered beside a handler.
pub struct ManagedDownloaderExtensionConfiguration<D> {
    delegate: D,
    extension_capacity: usize,
    delegate_capacity: usize,
}

impl<D> ManagedDownloaderExtensionConfiguration<D> {
    /// With this delegate.
    pub fn new(download_manager_delegate: D) -> Self {
        let capacity = 64;
        let delegate = download_manager_delegate;
        Self { delegate, extension_capacity: capacity, delegate_capacity: capacity }
    }

    /// Events of the extension that are kept.
    #[must_use]
    pub fn extension_event_capacity(mut self, capacity: usize) -> Self {
        self.extension_capacity = capacity;
        self
    }

    /// Events of the delegate that are kept.
    #[must_use]
    pub fn download_manager_event_capacity(mut self, capacity: usize) -> Self {
        self.delegate_capacity = capacity;
        self
    }
}

impl<D> fmt::Debug for ManagedDownloaderExtensionConfiguration<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ManagedDownloaderExtensionConfiguration")
    }
}

/// A handler and a delegate that are registered.
#[derive(Debug)]
pub struct ManagedDownloaderExtensionRegistration {
    extension: ExtensionEventStream,
    delegate: DownloadManagerEventStream,
}

impl ManagedDownloaderExtensionRegistration {
    /// What the handler was asked.
    pub fn extension_events(&self) -> &ExtensionEventStream {
        &self.extension
    }

    /// What the delegate heard.
    pub fn download_manager_events(&self) -> &DownloadManagerEventStream {
        &self.delegate
    }

    /// Both streams.
    pub fn into_parts(self) -> (ExtensionEventStream, DownloadManagerEventStream) {
        (self.extension, self.delegate)
    }
}

/// Answers for the app with `handler`, and hears of its downloads with the delegate. Where no
/// service can be had, nobody tells the delegate anything.
pub fn install_global_managed_downloader_extension<H, D>(
    handler: H,
    configuration: ManagedDownloaderExtensionConfiguration<D>,
) -> ManagedDownloaderExtensionRegistration
where
    H: DownloaderExtensionHandler,
    D: DownloadManagerDelegate,
{
    let ManagedDownloaderExtensionConfiguration { delegate, extension_capacity, delegate_capacity } =
        configuration;
    let delegate = install_global_download_manager_delegate(delegate, delegate_capacity);
    let delegate = delegate.unwrap_or_else(|_| {
        let (open, nothing) = channel(1);
        DownloadManagerEventStream::new(nothing.keep(open), None)
    });
    let install = install::install_global_managed_downloader_extension;
    let extension = install(handler, extension_capacity);
    ManagedDownloaderExtensionRegistration { extension, delegate }
}
