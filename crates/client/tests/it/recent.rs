//! The newest of what happens.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use futures_lite::future::block_on;
use futures_lite::{Stream as _, StreamExt};
use headstart::recent::{self, CAPACITY_MAX, Place, Recent};

#[test]
fn the_oldest_goes_when_there_are_too_many() {
    let (mut recorder, recent) = recent::channel(2);
    assert!(recent.is_empty());
    recorder.extend(1..=3);
    assert_eq!(recent.len(), 2);
    assert_eq!((recent.try_next(), recent.try_next(), recent.try_next()), (Some(2), Some(3), None));
}

#[test]
fn a_capacity_of_nothing_or_of_everything_is_brought_into_bounds() {
    for (capacity, held) in [(0, 1), (usize::MAX, CAPACITY_MAX)] {
        let (recorder, recent) = recent::channel(capacity);
        (0..=CAPACITY_MAX).for_each(|event| recorder.push(event));
        assert_eq!(recent.len(), held);
    }
}

#[test]
fn what_is_there_can_be_taken_after_the_end_and_then_nothing() {
    let (recorder, mut recent) = recent::channel(2);
    recorder.push(1);
    recorder.push(2);
    drop(recorder.clone());
    assert!(!recent.is_closed(), "somebody still records");
    drop(recorder);
    assert!(recent.is_closed());
    assert_eq!(block_on(recent.next()), Some(1));
    assert_eq!(block_on(StreamExt::next(&mut recent)), Some(2));
    assert_eq!(block_on(StreamExt::next(&mut recent)), None);
    assert_eq!(recent.size_hint(), (0, None));
}

#[test]
fn who_waits_is_woken_by_an_event_and_by_the_end() {
    let (recorder, recent) = recent::channel(1);
    let (waiting, waits) = channel();
    let reader = std::thread::spawn(move || {
        waiting.send(()).unwrap();
        block_on(async { (recent.next().await, recent.next().await) })
    });
    waits.recv().unwrap();
    recorder.push(7);
    // Who has not taken the event yet gets it all the same.
    drop(recorder);
    assert_eq!(reader.join().unwrap(), (Some(7), None));
}

/// Says its name when it is dropped.
struct Hold(&'static str, Sender<&'static str>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.1.send(self.0).unwrap();
    }
}

#[test]
fn one_has_a_place_at_a_time_and_who_was_replaced_ends_nobody() {
    let place = Place::new();
    let (dropped, ended) = channel();
    let install = |name| {
        let (recorder, recent) = recent::channel(1);
        let hold = (Hold(name, dropped.clone()), recorder.clone());
        (recorder, place.give(recent.keep(hold)))
    };
    let (first_recorder, first) = install("first");
    first_recorder.push(1);
    let (_recorder, second) = install("second");
    assert!(first.is_closed() && !second.is_closed());
    assert_eq!(ended.try_recv(), Ok("first"));
    first_recorder.push(2);
    assert_eq!((first.try_next(), first.try_next()), (Some(1), None), "only what was there");
    drop(first);
    assert!(!second.is_closed());
    drop(second);
    assert_eq!(ended.try_recv(), Ok("second"));
    // What ended before cannot end who comes after.
    let (_recorder, third) = install("third");
    assert!(!third.is_closed() && ended.try_recv().is_err());
}

#[test]
fn what_nobody_reads_any_more_is_gone_though_a_place_knows_it() {
    let place = Place::new();
    let (recorder, recent) = recent::channel(1);
    let event = Arc::new(());
    recorder.push(Arc::clone(&event));
    drop(place.give(recent));
    assert_eq!(Arc::strong_count(&event), 1);
}

/// What programs rely on that hand it to other threads.
#[test]
fn it_can_be_sent_shared_and_polled_where_it_lies() {
    fn can<T: Send + Sync + Unpin + std::fmt::Debug>() {}
    can::<Recent<u8>>();
    can::<recent::Recorder<u8>>();
}
