//! What a process has one of.

use std::sync::{Mutex, PoisonError};

use crate::error::Error;

/// Made when it is first asked for, and given to everybody who asks later.
pub(crate) struct Shared<T>(Mutex<Option<T>>);

impl<T: Clone> Shared<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// A failure is not kept: who asks next tries again.
    pub(crate) fn get_or(&self, make: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let made = shared.take().map_or_else(make, Ok)?;
        Ok(shared.insert(made).clone())
    }
}

#[cfg(test)]
mod tests {
    use headstart_model::ErrorKind;

    use super::*;

    #[test]
    fn it_is_made_once_and_a_failure_is_tried_again() {
        let shared = Shared::new();
        let failed = || Err(Error::new(ErrorKind::Unavailable, "serviceGone", "it is gone"));
        assert_eq!(shared.get_or(failed).unwrap_err().code(), "serviceGone");
        assert_eq!(shared.get_or(|| Ok(1)).ok(), Some(1));
        assert_eq!(shared.get_or(|| Ok(2)).ok(), Some(1));
        assert_eq!(shared.get_or(failed).ok(), Some(1));
    }
}
