//! `io.headstart.Extension`.

use std::sync::Arc;

use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::extension::{ExtensionEvent, Return, Returned as Reply, Serve};
use headstart_model::{ErrorKind, Failure};

use super::packs;
use super::reply::{Caller, End, Replies};
use crate::extension::{Returned, Run};

fn run_of(caller: Caller<'_>) -> Result<Arc<Run>, Failure> {
    caller.run.cloned().ok_or_else(|| {
        Failure::new(ErrorKind::Refused, "notAnExtension", "this program is no extension")
            .with_hint(
                "the service starts extensions itself; name it with `extension` in the bundle",
            )
    })
}

/// Ends an extension that is no longer served.
struct Guard(Arc<Run>);

impl Drop for Guard {
    fn drop(&mut self) {
        let run = Arc::clone(&self.0);
        tokio::spawn(async move { run.disconnected().await });
    }
}

/// What an extension may call: about its own downloads and packs, and nothing that administrates. `Ours:` what it runs in keeps
/// it from the system, so its way to the service must not lead around that.
pub(super) const fn may_call(call: &Call) -> bool {
    matches!(
        call,
        Call::GetInfo(_)
            | Call::GetInterfaceDescription(_)
            | Call::Hello(_)
            | Call::ServiceStatus(_)
            | Call::ListPacks(_)
            | Call::PackStatus(_)
            | Call::LocalStatus(_)
            | Call::Locate(_)
            | Call::OpenNamespace(_)
            | Call::Languages(_)
            // The token of its own app's server.
            | Call::SetServerHeaders(_)
            | Call::ScheduleDownloads(_)
            | Call::CancelDownload(_)
            | Call::CurrentDownloads(_)
            | Call::AcquireExclusiveControl(_)
            | Call::ReleaseExclusiveControl(_)
            | Call::ExplainDownload(_)
            // Refused, with the code that the specification has for it.
            | Call::AttendDownloads(_)
            | Call::ServeExtension(_)
            | Call::ReturnFromExtension(_)
    )
}

/// Hands on what the extension is asked, until it is to end. When the extension breaks this off it cannot be asked any more.
pub(super) async fn serve(caller: Caller<'_>, replies: &mut Replies<'_>) -> Result<(), End> {
    let run = run_of(caller)?;
    let mut events = run.serve().ok_or_else(|| {
        Failure::new(ErrorKind::Conflict, "alreadyServed", "the extension is served already")
            .with_hint("call this once")
    })?;
    // However this ends, by the connection or by what comes over it: the extension cannot be asked any more.
    let _guard = Guard(Arc::clone(&run));
    replies.between::<Serve>(&ExtensionEvent::Serving {}).await?;
    while let Some(event) = events.recv().await {
        replies.between::<Serve>(&event).await?;
    }
    Err(packs::stopping().into())
}

pub(super) async fn give(
    caller: Caller<'_>,
    call: Return,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let run = run_of(caller)?;
    if run.take(call) == Returned::Unasked {
        let message = "nobody waits for this answer";
        return Err(Failure::new(ErrorKind::Conflict, "notAsked", message)
            .with_hint("answer each question once, with its number")
            .into());
    }
    replies.last::<Return>(&Reply {}).await
}
