//! What follows when a whole file has another digest than the promised one.

use http::StatusCode;

use super::fetch::Fetch;
use super::validator::Validator;

/// Wrong files of one call.
#[derive(Debug, Default)]
pub(super) struct Wrong {
    /// How many there were.
    files: u32,
    /// Whether bytes of the last one came from an earlier call.
    resumed: bool,
    /// By which the server knows the last one.
    validator: Option<Validator>,
}

impl Fetch<'_> {
    /// Everything has come, and it is not what was promised.
    pub(super) fn found_wrong(&mut self) {
        let validator = self.answered.take().or_else(|| self.part.validator.clone());
        let files = self.wrong.files + 1;
        self.wrong = Wrong { files, resumed: self.resumed_from > 0, validator };
    }

    /// Whether fetching the file once more may bring another one: bytes of an earlier call may have been to blame, nothing says that the
    /// server's file is still the same, or a cache on the way has an old one. `Ours:` what its server calls the same file is not
    /// fetched again in the hope that it has become another, and nothing is fetched more than twice.
    pub(super) async fn may_be_another(&self) -> bool {
        if self.wrong.files > 1 {
            return false;
        }
        match &self.wrong.validator {
            _ if self.wrong.resumed => true,
            None => true,
            Some(validator) => self.has_changed(validator).await,
        }
    }

    /// Asks the server itself. Who cannot be asked any more has nothing new to say.
    async fn has_changed(&self, validator: &Validator) -> bool {
        let ask = self.ask(true).if_changed(validator.to_header());
        let answer = self.client.ask(&ask, &self.meter).await;
        answer.is_ok_and(|answer| {
            answer.status == StatusCode::OK && validator.differs(&answer.headers)
        })
    }
}
