//! Following the changes of archives.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use headstart_sys::identity::FileStamp;
use serde_json::json;
use tokio::time::MissedTickBehavior;

use super::throwaway::Throwaway;
use crate::output::Output;

/// How often the archives are looked at: one look is a few system calls.
const EVERY: Duration = Duration::from_millis(300);

/// Publishes the archives anew whenever they changed and no longer change.
pub(super) async fn follow(output: &Output, throwaway: Option<&Throwaway>) -> Infallible {
    let Some(throwaway) = throwaway else { return std::future::pending().await };
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watched = Watched::new(throwaway.first_stamps());
    loop {
        ticks.tick().await;
        if !watched.is_due(look(throwaway.archives())) {
            continue;
        }
        match throwaway.publish().await {
            Ok(release) => {
                output.event(&json!({"event": "published", "release": release}));
                output.remark(format!("published release {release}"));
            }
            Err(failure) => {
                output.event(&json!({"event": "notPublished", "message": failure.to_string()}));
                output.remark(format!("not published: {failure}"));
            }
        }
    }
}

/// What the archives look like; none for one that is not there.
pub(super) type Stamps = Vec<Option<FileStamp>>;

/// Looks at the archives; links are followed, as they are when an archive is read.
pub(super) fn look(archives: &[PathBuf]) -> Stamps {
    archives
        .iter()
        .map(|path| std::fs::metadata(path).ok().map(|facts| FileStamp::of(&facts)))
        .collect()
}

/// What was published, and what was seen last.
struct Watched {
    published: Stamps,
    seen: Stamps,
}

impl Watched {
    fn new(stamps: Stamps) -> Self {
        Self { published: stamps.clone(), seen: stamps }
    }

    /// Whether what is seen differs from what was published and is the same as the last time: an archive that is being
    /// copied changes between two looks.
    fn is_due(&mut self, now: Stamps) -> bool {
        let due = now == self.seen && now != self.published && now.iter().all(Option::is_some);
        if due {
            self.published.clone_from(&now);
        }
        self.seen = now;
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps(size_bytes: u64) -> Stamps {
        vec![Some(FileStamp { device: 1, inode: 1, size_bytes, modified_ns: 0, changed_ns: 0 })]
    }

    #[test]
    fn an_archive_is_published_once_it_no_longer_changes() {
        let mut watched = Watched::new(stamps(1));
        assert!(!watched.is_due(stamps(1)));
        assert!(!watched.is_due(stamps(2)));
        assert!(!watched.is_due(stamps(3)));
        assert!(watched.is_due(stamps(3)));
        assert!(!watched.is_due(stamps(3)));
    }

    #[test]
    fn an_archive_that_is_gone_is_waited_for() {
        let mut watched = Watched::new(stamps(1));
        assert!(!watched.is_due(vec![None]));
        assert!(!watched.is_due(vec![None]));
        assert!(!watched.is_due(stamps(2)));
        assert!(watched.is_due(stamps(2)));
    }
}
