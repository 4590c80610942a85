//! Looking for updates: the cheap question first, the whole chain of signatures when something changed.

use std::sync::Arc;

use headstart_model::ChannelName;
use headstart_model::catalog::Catalog;
use headstart_sys::{Action, FileError};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::OwnedMutexGuard;
use tough::ExpirationEnforcement;

use crate::fetch::{Fetch, FetchError, FetchRequest, Fetched, Freshness};
use crate::load::{self, Known, Loaded};
use crate::transport::{METADATA_BYTES_MAX, Record};
use crate::trust::{Expiring, State};
use crate::{RepoError, Sha256, TrustStore, layout, places};

/// How long an unchanged timestamp stands for everything else. `Ours:` a new root does not change the timestamp, so the
/// whole chain is looked at once a day all the same.
const FULL_LOAD_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The catalog that holds now.
    pub catalog: Catalog,
    /// Whether it differs from the one known before.
    pub change: Change,
    /// Until when it may be believed without another check: the earliest date of the signed documents.
    pub expires: Timestamp,
}

/// Whether a catalog is news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Byte for byte the one that was kept from the last check.
    Unchanged,
    /// Another one, or the first.
    Changed,
}

impl TrustStore {
    /// Looks for a newer catalog of `channel`.
    ///
    /// When nothing changed this is one conditional request for a file of about a kilobyte; when something did, and once a
    /// day, root, timestamp, snapshot, targets and catalog are fetched and checked. On success everything is kept
    /// durably before this returns; on failure what was trusted before stays as it was.
    ///
    /// `now` is the wall clock. Expiry is judged by it, by the machine's clock, and never by a time before the last
    /// successful check. `Ours:` so setting a clock back does not bring expired documents to life, and a clock that was
    /// ahead for a while does no lasting harm.
    ///
    /// # Errors
    /// [`RepoError`], each kind for its own reason; see there.
    ///
    /// # Cancel safety
    /// Dropping the future ends the check; the state is that of before or, if all was checked already, of after.
    pub async fn check(
        &self,
        fetch: Arc<dyn Fetch>,
        channel: &ChannelName,
        now: Timestamp,
    ) -> Result<Checked, RepoError> {
        self.check_from(fetch, (channel, now), Freshness::Any).await
    }

    /// As [`check`](Self::check), but asks the server itself: for whoever found that a file is gone which the catalog names, so
    /// that there must be a newer one, whatever a cache on the way says.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    ///
    /// # Cancel safety
    /// As [`check`](Self::check).
    pub async fn check_past_caches(
        &self,
        fetch: Arc<dyn Fetch>,
        channel: &ChannelName,
        now: Timestamp,
    ) -> Result<Checked, RepoError> {
        self.check_from(fetch, (channel, now), Freshness::FromServer).await
    }

    /// Where the repository itself cannot be had, its mirrors are asked: see [`places::first_good`].
    async fn check_from(
        &self,
        fetch: Arc<dyn Fetch>,
        goal: (&ChannelName, Timestamp),
        freshness: Freshness,
    ) -> Result<Checked, RepoError> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let state = &self.read_state()?;
        let look = |place| self.look(place, state.as_ref(), goal, freshness);
        let Found { checked, news } = places::first_good(fetch, look).await?;
        // Kept by the one that counts: of two places at once, the other must not put back what this one replaced.
        if let Some(news) = news {
            self.keep(news, turn).await?;
        }
        Ok(checked)
    }

    /// What one place has, judged by `state`, which is what is kept. Keeps nothing.
    async fn look(
        &self,
        fetch: Arc<dyn Fetch>,
        state: Option<&State>,
        (channel, now): (&ChannelName, Timestamp),
        freshness: Freshness,
    ) -> Result<Found, RepoError> {
        let now = state.map_or(now, |state| now.max(state.loaded_at));
        let mut fetched = Record::default();
        if let Some(state) = state.filter(|state| is_fresh(state, channel, now)) {
            match ask_timestamp(fetch.as_ref(), state, freshness).await? {
                Answer::Same => return Ok(Found { checked: unchanged(state)?, news: None }),
                Answer::Other(record) => fetched = record,
            }
        }
        let root = state.map_or(self.first_root(), |state| state.root.as_bytes());
        let trusted = state.map(State::trusted).unwrap_or_default();
        let known = Known { trusted: trusted.clone(), fetched, freshness };
        let judged = judge(root, Arc::clone(&fetch), known, (channel, now)).await;
        let (loaded, expiring, catalog, text) = match judged {
            // What a cache on the way keeps too long or spoilt is no reason to distrust the server: it is asked itself, once.
            Err(error) if freshness == Freshness::Any && error.may_be_of_the_way() => {
                tracing::debug!(%error, "asking the server itself");
                let fetched = Record::default();
                let known = Known { trusted, fetched, freshness: Freshness::FromServer };
                judge(root, fetch, known, (channel, now)).await?
            }
            judged => judged?,
        };
        let change = match state {
            Some(state) if state.channel == *channel && state.catalog == text => Change::Unchanged,
            _ => Change::Changed,
        };
        let news = Some(new_state(loaded, channel, text, now, expiring)?);
        Ok(Found { checked: Checked { catalog, change, expires: expiring.at }, news })
    }

    /// Keeps `state` even if the caller goes away meanwhile: the write runs to its end on its own thread, and keeps the turn until then.
    async fn keep(&self, state: State, turn: OwnedMutexGuard<()>) -> Result<(), RepoError> {
        let folder = self.folder().to_owned();
        let write = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            Self::write_state(&folder, &state)
        });
        match write.await {
            Ok(written) => written,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime is shutting down.
            Err(error) => {
                let error = std::io::Error::other(error);
                Err(FileError::new(Action::Write, self.folder(), error).into())
            }
        }
    }
}

/// What a place has.
struct Found {
    checked: Checked,
    /// What to keep from now on, if it is not what is kept already.
    news: Option<State>,
}

enum Answer {
    Same,
    Other(Record),
}

/// Whether the kept state may stand for the repository if its timestamp did not change.
fn is_fresh(state: &State, channel: &ChannelName, now: Timestamp) -> bool {
    state.channel == *channel
        && now <= state.expiring.at
        && now.duration_since(state.loaded_at) < FULL_LOAD_EVERY
}

async fn ask_timestamp(
    fetch: &dyn Fetch,
    state: &State,
    freshness: Freshness,
) -> Result<Answer, RepoError> {
    let request = FetchRequest {
        path: layout::TIMESTAMP,
        max_bytes: METADATA_BYTES_MAX,
        held: state.timestamp_tag.as_deref(),
        freshness,
    };
    let path = || layout::TIMESTAMP.to_owned();
    match fetch.fetch(request).await {
        Ok(Fetched::NotModified) => Ok(Answer::Same),
        Ok(Fetched::Body { bytes, .. }) if Sha256::of(&bytes) == state.timestamp_sha256 => {
            Ok(Answer::Same)
        }
        Ok(Fetched::Body { bytes, tag }) => {
            Ok(Answer::Other(Record { bodies: [(path(), bytes)].into(), tag, failure: None }))
        }
        Err(FetchError::TooLarge { limit_bytes }) => {
            Err(RepoError::TooLarge { path: path(), limit_bytes })
        }
        Err(source) => Err(RepoError::Fetch { path: path(), source }),
    }
}

fn unchanged(state: &State) -> Result<Checked, RepoError> {
    let channel = &state.channel;
    let catalog = Catalog::from_json(state.catalog.as_bytes())
        .map_err(|source| RepoError::Catalog { channel: channel.clone(), source })?;
    Ok(Checked { catalog, change: Change::Unchanged, expires: state.expiring.at })
}

/// Loads everything, and judges it.
async fn judge(
    root: &[u8],
    fetch: Arc<dyn Fetch>,
    known: Known,
    (channel, now): (&ChannelName, Timestamp),
) -> Result<(Loaded, Expiring, Catalog, String), RepoError> {
    let loaded = load::load(root, fetch, known, ExpirationEnforcement::Safe).await?;
    let expiring = judge_expiry(&loaded, now)?;
    let (catalog, text) = read_catalog(&loaded, channel).await?;
    Ok((loaded, expiring, catalog, text))
}

/// `tough` judged by the machine's clock; the caller's clock, and time that was seen already, are judged here.
fn judge_expiry(loaded: &Loaded, now: Timestamp) -> Result<Expiring, RepoError> {
    let expiring = loaded.expiries().map(|(role, at)| Expiring { role, at });
    let [first, rest @ ..] = expiring;
    let first =
        rest.into_iter().fold(first, |first, next| if next.at < first.at { next } else { first });
    if first.at < now {
        return Err(RepoError::Expired { role: first.role, since: Some(first.at) });
    }
    Ok(first)
}

async fn read_catalog(
    loaded: &Loaded,
    channel: &ChannelName,
) -> Result<(Catalog, String), RepoError> {
    let read = loaded.read_target(&layout::catalog_target(channel)).await?;
    let (sha256, bytes) =
        read.ok_or_else(|| RepoError::UnknownChannel { channel: channel.clone() })?;
    let catalog = Catalog::from_json(&bytes)
        .map_err(|source| RepoError::Catalog { channel: channel.clone(), source })?;
    let path = layout::catalog(&sha256, channel);
    if catalog.channel != *channel {
        return Err(RepoError::Altered { path });
    }
    Ok((catalog, text(bytes, &path)?))
}

fn new_state(
    loaded: Loaded,
    channel: &ChannelName,
    catalog: String,
    now: Timestamp,
    expiring: Expiring,
) -> Result<State, RepoError> {
    Ok(State {
        format: State::FORMAT,
        root: text(loaded.root, layout::METADATA)?,
        timestamp: text(loaded.trusted.timestamp.unwrap_or_default(), layout::TIMESTAMP)?,
        snapshot: text(loaded.trusted.snapshot.unwrap_or_default(), layout::METADATA)?,
        timestamp_sha256: Sha256::of(&loaded.timestamp),
        timestamp_tag: loaded.tag,
        channel: channel.clone(),
        catalog,
        loaded_at: now,
        expiring,
    })
}

/// JSON is UTF-8, and all of these were read as JSON; the error is for the case that a parser is laxer than that.
fn text(bytes: Vec<u8>, path: &str) -> Result<String, RepoError> {
    String::from_utf8(bytes)
        .map_err(|source| RepoError::Malformed { path: path.to_owned(), source: Box::new(source) })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::Role;

    fn state() -> State {
        let expiring = Expiring { role: Role::Root, at: Timestamp::MAX };
        State {
            format: State::FORMAT,
            root: String::new(),
            timestamp: String::new(),
            snapshot: String::new(),
            timestamp_sha256: Sha256::of(b""),
            timestamp_tag: None,
            channel: ChannelName::production(),
            catalog: String::new(),
            loaded_at: Timestamp::UNIX_EPOCH,
            expiring,
        }
    }

    #[test]
    fn a_write_that_outlives_its_check_is_waited_for_by_the_next() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = TrustStore::with_root(folder.path(), Vec::new());
        let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build();
        runtime.expect("a runtime").block_on(async {
            let (go_on, waiting) = mpsc::channel::<()>();
            // Nothing is written before this has ended.
            let busy = tokio::task::spawn_blocking(move || waiting.recv());
            let turn = Arc::clone(&store.turn).lock_owned().await;
            let mut check = Box::pin(store.keep(state(), turn));
            assert!(futures::poll!(&mut check).is_pending());
            drop(check);
            assert!(store.turn.try_lock().is_err(), "the write is still to come");
            drop(go_on);
            assert!(busy.await.expect("no panic").is_err(), "nobody sent anything");
            let _turn = store.turn.lock().await;
            assert_eq!(store.read_state().expect("a good state"), Some(state()));
        });
    }
}
