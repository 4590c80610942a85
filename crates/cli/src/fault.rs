//! Faults of this program itself: a person is told what to do, not shown a stack.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::{Mutex, PoisonError};

use headstart_model::{ErrorKind, Failure};

/// What the last panic said.
static LAST: Mutex<Option<String>> = Mutex::new(None);

/// From now on panics are noted and logged, and not printed.
pub(crate) fn take_over() {
    std::panic::set_hook(Box::new(|info| {
        let text = describe(info);
        tracing::error!(fault = text, "a thread of this program failed");
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }));
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let said = info.payload_as_str().unwrap_or("no message");
    match info.location() {
        Some(place) => format!("{said} ({}, line {})", place.file(), place.line()),
        None => said.to_owned(),
    }
}

/// Runs `work`; a panic in it becomes a failure.
pub(crate) fn caught<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // The process ends after this, so nothing sees what the panic left half done.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let last = LAST.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut failure =
            Failure::new(ErrorKind::Internal, "fault", "Headstart has a fault and had to stop")
                .with_hint("please report this with the command line that you ran");
        failure.causes.extend(last);
        Err(failure)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_failure_that_asks_for_a_report() {
        let failure = caught::<()>(|| panic!("out of coffee")).expect_err("it panics");
        assert_eq!(failure.kind, ErrorKind::Internal);
        assert!(failure.hint.contains("report"), "{failure:?}");
    }
}
