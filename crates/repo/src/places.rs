//! A repository and its mirrors, asked for the same news.

use std::future::Future;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use crate::RepoError;
use crate::fetch::Fetch;

/// What `ask` finds at `repository`, or, where that cannot be had, at the first of its mirrors that will do.
///
/// `Ours:` a mirror can hold news back, so none is asked while the repository answers; but nobody waits through all attempts at
/// one that is down. A mirror is asked when the place before it has failed, or stalls by its own word
/// ([`Fetch::stalled`]). What stalls is asked on, with the waits that its attempts take and that its server asks for, and counts if
/// it comes first. What the repository says and does not hold ends it all: that is worth an alarm, and no mirror may talk it away.
///
/// # Errors
/// That of the repository itself: at once when what it says does not hold, else when no place will do.
///
/// # Cancel safety
/// Dropping it drops whatever is being asked.
pub(crate) async fn first_good<T, F>(
    repository: Arc<dyn Fetch>,
    ask: impl Fn(Arc<dyn Fetch>) -> F,
) -> Result<T, RepoError>
where
    F: Future<Output = Result<T, RepoError>>,
{
    let numbered = |number: usize, place: &Arc<dyn Fetch>| {
        let answer = ask(Arc::clone(place));
        async move { (number, answer.await) }
    };
    let (mut newest, mut next) = (0, repository.elsewhere());
    let mut stalled = repository.stalled();
    let mut asked = FuturesUnordered::new();
    asked.push(numbered(newest, &repository));
    let mut of_repository = None;
    loop {
        let is_next_wanted = tokio::select! {
            biased;
            Some((number, answer)) = asked.next() => {
                match answer {
                    Ok(found) => return Ok(found),
                    Err(error @ RepoError::Fetch { .. }) if number == 0 => of_repository = Some(error),
                    Err(error) if number == 0 => return Err(error),
                    Err(error) => tracing::warn!(%error, "the mirror is of no use"),
                }
                // What becomes of a place is held against it, and not against those that were asked since.
                number == newest
            }
            () = &mut stalled, if next.is_some() => true,
        };
        if let Some(mirror) = next.take_if(|_| is_next_wanted) {
            let error = of_repository.as_ref().map(tracing::field::display);
            tracing::warn!(error, "asking a mirror of the repository");
            newest += 1;
            stalled = mirror.stalled();
            asked.push(numbered(newest, &mirror));
            next = mirror.elsewhere();
        } else if asked.is_empty()
            && let Some(error) = of_repository.take()
        {
            return Err(error);
        }
    }
}
