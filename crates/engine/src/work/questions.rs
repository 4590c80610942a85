//! The numbers of questions.

use super::Work;
use crate::id::CallId;
use crate::record::RowKey;

/// Binary digits of a question's number that count within one life of the service.
const CALLS_BITS: u32 = 32;

impl Work<'_> {
    /// The number of a question. One that was asked in an earlier life of the service may be answered in this one: its number
    /// must not mean something else then, whatever the clock says.
    pub(crate) fn next_call(&mut self) -> CallId {
        if self.live().calls.is_new() {
            self.state.records.counters.lives += 1;
            self.touched.insert(RowKey::Counters);
            let first = self.state.records.counters.lives << CALLS_BITS;
            self.live_mut().calls.number_from(first);
        }
        self.live_mut().calls.next_id()
    }
}
