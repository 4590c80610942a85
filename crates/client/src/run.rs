//! Running blocking calls for a future, so that dropping the future ends the call.

use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::link::Caller;

/// Something that calls the service, blocking.
pub(crate) trait Blocking: Clone + Send + 'static {
    fn caller(&self) -> &Caller;

    /// The same, for calls through `caller`.
    fn with_caller(&self, caller: Caller) -> Self;
}

/// Runs `work` where blocking is allowed. If the future is dropped meanwhile, the call that `work`
/// waits for ends.
pub(crate) async fn run<B: Blocking, T: Send + 'static>(
    on: &B,
    work: impl FnOnce(B) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let interrupt = Interrupt::default();
    let guard = interrupt.on_drop();
    let on = on.with_caller(on.caller().with(interrupt));
    let result = ::blocking::unblock(move || work(on)).await;
    guard.dismiss();
    result
}

impl Blocking for Caller {
    fn caller(&self) -> &Caller {
        self
    }

    fn with_caller(&self, caller: Caller) -> Self {
        caller
    }
}
