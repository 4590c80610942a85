//! How long archives may take to say what is in them. An installation may wait for all of them.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use headstart_model::{ErrorKind, Failure, PackId};
use tokio::time::Instant;
use url::Url;

/// Times of one look that all looks together may take: what has been looked at by then is known at the next check, so that
/// ever more of a long manifest is.
const ALL_LOOKS: u32 = 10;
/// Looks that have to be too slow before nothing more is asked of their host.
const SLOW_MAX: u32 = 2;

/// What is left of it, while one manifest is read.
pub(super) struct Patience {
    each: Duration,
    until: Instant,
    /// How many looks at each host were too slow.
    slow: Mutex<BTreeMap<String, u32>>,
}

/// An archive has not said in time what is in it.
#[derive(Debug)]
pub(super) enum TooSlow {
    /// It was asked, and so long was waited for it.
    Itself(Duration),
    /// It was not asked, since others of its host were too slow.
    Host(String),
    /// It was not asked, since all together took too long.
    All(Duration),
}

impl Patience {
    pub(super) fn new(each: Duration) -> Self {
        Self { each, until: Instant::now() + each * ALL_LOOKS, slow: Mutex::default() }
    }

    /// Waits for a look at the archive at `url`, for as long as it may take.
    pub(super) async fn with<T>(
        &self,
        url: &Url,
        look: impl Future<Output = T>,
    ) -> Result<T, TooSlow> {
        let host = url.host_str().unwrap_or_default();
        let slow = || self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        if slow().get(host).is_some_and(|looks| *looks >= SLOW_MAX) {
            return Err(TooSlow::Host(host.to_owned()));
        }
        let limit = self.each.min(self.until.saturating_duration_since(Instant::now()));
        if limit.is_zero() {
            return Err(TooSlow::All(self.each * ALL_LOOKS));
        }
        tokio::time::timeout(limit, look).await.map_err(|_| {
            *slow().entry(host.to_owned()).or_default() += 1;
            TooSlow::Itself(limit)
        })
    }
}

impl TooSlow {
    /// What it means for a pack.
    pub(super) fn of(&self, pack: &PackId) -> Failure {
        let why = match self {
            Self::Itself(limit) => {
                format!("has not said within {} s what is in it", limit.as_secs_f32())
            }
            Self::Host(host) => format!("was not asked: others of `{host}` were too slow"),
            Self::All(limit) => {
                format!("was not asked: looking at archives took {} s", limit.as_secs_f32())
            }
        };
        let message = format!("the archive of pack `{pack}` {why}");
        Failure::new(ErrorKind::Network, "archiveTooSlow", message)
            .with_hint("it is tried again later; look after its server")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EACH: Duration = Duration::from_mins(1);

    fn url(host: &str) -> Url {
        format!("https://{host}/archive").parse().expect("an address")
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_was_too_slow_is_asked_no_more_and_others_are() {
        let patience = Patience::new(EACH);
        for _ in 0..SLOW_MAX {
            let looked = patience.with(&url("slow.example"), std::future::pending::<()>()).await;
            assert!(matches!(looked, Err(TooSlow::Itself(EACH))), "{looked:?}");
        }
        let looked = patience.with(&url("slow.example"), async { panic!("it is asked") }).await;
        assert!(matches!(looked, Err(TooSlow::Host(_))), "{looked:?}");
        assert_eq!(patience.with(&url("good.example"), async { 7 }).await.ok(), Some(7));
    }

    #[tokio::test(start_paused = true)]
    async fn all_looks_together_have_an_end() {
        let patience = Patience::new(EACH);
        let began = Instant::now();
        for number in 0..100 {
            let host = url(&format!("host-{number}.example"));
            let _slow = patience.with(&host, std::future::pending::<()>()).await;
        }
        assert_eq!(began.elapsed(), EACH * ALL_LOOKS);
        let looked = patience.with(&url("late.example"), async { panic!("it is asked") }).await;
        assert!(matches!(looked, Err(TooSlow::All(_))), "{looked:?}");
    }
}
