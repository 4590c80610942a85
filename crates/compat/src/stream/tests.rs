use pollster::block_on;

use super::*;

#[test]
fn a_full_stream_loses_the_oldest() {
    let events = Events::new(2);
    let stream = events.stream(|| ());
    (1..=3).for_each(|event| events.push(event));
    assert_eq!(stream.buffered_count(), 2);
    assert_eq!((stream.try_next(), stream.try_next(), stream.try_next()), (Some(2), Some(3), None));
}

#[test]
fn a_capacity_of_nothing_or_of_everything_is_brought_into_bounds() {
    for capacity in [0, usize::MAX] {
        let events = Events::new(capacity);
        let stream = events.stream(|| ());
        events.push('a');
        assert_eq!(stream.try_next(), Some('a'));
    }
}

#[test]
fn a_closed_stream_gives_what_waits_and_then_nothing() {
    let events = Events::new(2);
    let stream = events.stream(|| ());
    events.push(1);
    events.close();
    events.push(2);
    assert!(stream.is_closed());
    assert_eq!(block_on(stream.next()), Some(1));
    assert_eq!(block_on(stream.next()), None);
}

#[test]
fn who_waits_is_woken_by_an_event_and_by_the_end() {
    let events = Events::new(1);
    let stream = events.stream(|| ());
    let (waiting, waits) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        waiting.send(()).unwrap();
        (block_on(stream.next()), block_on(stream.next()))
    });
    waits.recv().unwrap();
    events.push(7);
    // Whoever has not taken the event yet gets it all the same.
    events.close();
    assert_eq!(reader.join().unwrap(), (Some(7), None));
}

/// Says when it is dropped.
struct Filling {
    dropped: std::sync::mpsc::Sender<&'static str>,
    name: &'static str,
    _events: Events<()>,
}

impl Drop for Filling {
    fn drop(&mut self) {
        self.dropped.send(self.name).unwrap();
    }
}

#[test]
fn one_of_each_kind_is_registered_and_who_was_replaced_ends_nobody() {
    let slot = Slot::new(None);
    let (dropped, ended) = std::sync::mpsc::channel();
    let install = |name| {
        let events = Events::new(1);
        let dropped = dropped.clone();
        events.clone().register(&slot, Filling { dropped, name, _events: events })
    };
    let first = install("first");
    let second = install("second");
    assert!(first.is_closed() && !second.is_closed());
    assert_eq!(ended.try_recv(), Ok("first"));
    drop(first);
    assert!(!second.is_closed());
    drop(second);
    assert_eq!(ended.try_recv(), Ok("second"));
    // What ended before cannot end who comes after.
    let third = install("third");
    assert!(!third.is_closed() && ended.try_recv().is_err());
}
