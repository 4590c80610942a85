//! Closures that hear of downloads, and whose events are theirs until they are acknowledged.

use std::sync::Arc;
use std::sync::mpsc::channel;

use futures_lite::future::block_on;
use headstart::downloads::{ChallengeAnswer, DownloadEvent};
use headstart_model::protocol::downloads::DelegateEvent;

use crate::delegates::{PATIENCE, Teller, challenge, finished, wire};
use crate::downloads::arrived;
use crate::fake_service::Device;
use crate::samples::failure;

#[test]
fn what_a_closure_hears_is_its_own_until_it_is_acknowledged() {
    let device = Arc::new(Device::new());
    let teller = Teller::new();
    let _service = teller.start(&device);
    let downloads = device.connector().downloads_blocking().unwrap();
    let (hear, heard) = channel();
    let listening = downloads.listen(move |event| hear.send(event).unwrap()).unwrap();
    let next = || heard.recv_timeout(PATIENCE).expect("the closure hears it");
    let (download, challenge) = (wire("a"), challenge());
    teller.tell(DelegateEvent::Challenged { callback: 1, download, challenge });
    teller.tell(DelegateEvent::Began { download: wire("a") });
    let file = arrived(&device, "a");
    teller.tell(finished(2, wire("a"), &file));
    let (asked, began, arrived) = (next(), next(), next());
    // On another thread, in whatever order, and for an executor.
    block_on(arrived.acknowledge()).unwrap();
    assert_eq!(teller.acknowledged(), (2, None));
    began.acknowledge_blocking().unwrap();
    asked.acknowledge_blocking().unwrap();
    assert_eq!(teller.acknowledged(), (1, Some(ChallengeAnswer::PerformDefaultHandling)));
    listening.unregister();
    assert!(heard.recv().is_err(), "the closure is gone with its thread");
}

#[test]
fn what_a_closure_drops_is_told_again_wherever_it_drops_it() {
    let device = Arc::new(Device::new());
    let teller = Teller::new();
    let _service = teller.start(&device);
    let downloads = block_on(async { device.connector().downloads().unwrap() });
    let (hear, heard) = channel();
    let listening = block_on(downloads.listen(move |event| hear.send(event).unwrap())).unwrap();
    let next = || heard.recv_timeout(PATIENCE).expect("the closure hears it");
    let (download, failed) = (wire("fails"), failure());
    let fails = DelegateEvent::Failed { callback: 1, download, failure: failed };
    let (download, challenge) = (wire("asks"), challenge());
    let asks = DelegateEvent::Challenged { callback: 2, download, challenge };
    for event in [fails, asks] {
        teller.tell(event.clone());
        // The connection that told it is ended, and the next one is told it anew.
        drop(next());
        teller.tell(DelegateEvent::Lost { count: 0 });
        teller.tell(event);
        next().acknowledge_blocking().unwrap();
    }
    assert_eq!(teller.acknowledged(), (1, None));
    assert_eq!(teller.acknowledged(), (2, Some(ChallengeAnswer::PerformDefaultHandling)));
    // What needs no answer may be dropped: the same connection goes on.
    teller.tell(DelegateEvent::Began { download: wire("a") });
    drop(next());
    teller.tell(DelegateEvent::Paused { download: wire("a") });
    assert!(matches!(next(), DownloadEvent::Paused(_)));
    listening.unregister();
}
