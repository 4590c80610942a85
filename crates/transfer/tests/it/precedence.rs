//! Blocks that come before others because somebody waits for them.

use bytes::Bytes;
use headstart_model::Verified;
use headstart_transfer::{BlockSink, Precedence, SinkError, Tracking};

use crate::blocks::{good_server, whole_files};
use crate::support::{TestFile, one_at_a_time};

/// Notes the order of blocks; after the first one, says which come first.
struct Asking {
    precedence: Precedence,
    tags: Vec<u64>,
    seen: Vec<u64>,
}

impl BlockSink for Asking {
    async fn block(&mut self, tag: u64, _: Verified<Bytes>) -> Result<(), SinkError> {
        if self.seen.is_empty() {
            self.precedence.prefer(self.tags.clone());
            // What was said is heard before the next block.
            tokio::task::yield_now().await;
        }
        self.seen.push(tag);
        Ok(())
    }
}

async fn order(before: &[u64], during: &[u64]) -> (Vec<u64>, Vec<String>) {
    let file = TestFile::new(8, 1000);
    let server = good_server(&file).await;
    let mut request = file.request(&[server.url("f")], 0..8, 8);
    let precedence = Precedence::new();
    precedence.prefer(before);
    request.precedence = Some(precedence.clone());
    let mut sink = Asking { precedence, tags: during.to_vec(), seen: Vec::new() };
    let tracking = Tracking::new("test");
    let fetched = one_at_a_time().fetch_blocks(&request, &mut sink, &tracking).await;
    fetched.expect("a good server");
    (sink.seen, server.log.ranges())
}

#[tokio::test]
async fn what_is_wanted_first_comes_as_soon_as_the_server_has_shown_its_ranges() {
    let (seen, ranges) = order(&[5, 2, 99], &[5, 2]).await;
    // What lies right behind the block under way comes with it.
    assert_eq!(seen, [0, 1, 2, 5, 3, 4, 6, 7]);
    let asked = ["0-7999", "5000-5999", "3000-4999", "6000-7999"];
    assert_eq!(ranges, asked.map(|range| format!("bytes={range}")));
}

#[tokio::test]
async fn a_server_without_ranges_is_read_in_one_go_whatever_is_urgent() {
    let file = TestFile::new(8, 1000);
    let server = whole_files(&file).await;
    let mut request = file.request(&[server.url("f")], 0..8, 2);
    request.options.max_skip_bytes = 1000;
    let precedence = Precedence::new();
    precedence.prefer([7]);
    request.precedence = Some(precedence.clone());
    request.options.coalesce.max_gap_bytes = 0;
    let mut sink = Asking { precedence, tags: vec![6], seen: Vec::new() };
    let tracking = Tracking::new("test");
    let fetched = one_at_a_time().fetch_blocks(&request, &mut sink, &tracking).await;
    fetched.expect("it gives all there is");
    assert_eq!(sink.seen, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(server.log.requests().len(), 1);
}

#[tokio::test]
async fn a_range_under_way_gives_way_after_its_block_and_nothing_is_fetched_twice() {
    let (seen, ranges) = order(&[], &[6, 7, 3]).await;
    assert_eq!(seen, [0, 1, 6, 7, 3, 2, 4, 5]);
    assert_eq!(ranges[..3], ["bytes=0-7999", "bytes=6000-7999", "bytes=3000-3999"]);
}

#[tokio::test]
async fn what_comes_next_anyway_interrupts_nothing() {
    let (seen, ranges) = order(&[], &[1, 2]).await;
    assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(ranges, ["bytes=0-7999"]);
}
