//! Questions on their way to an extension that may have to be started first: what the engine says meanwhile holds for them.

use std::collections::HashMap;

use headstart_engine::CallId;
use headstart_model::AppId;

use super::run::End;

/// Names one question for as long as the service lives: numbers of calls may come again when the engine begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ticket(u64);

/// A question that no extension has heard yet.
#[derive(Debug)]
struct Waiting {
    app: AppId,
    call: CallId,
    fate: Fate,
}

/// What is to become of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is put.
    Put,
    /// Its answer is not wanted any more.
    Forgotten,
    /// The extension has to end, and one that starts for this question too.
    Ended(End),
}

/// The questions that no extension has heard yet.
#[derive(Debug, Default)]
pub(super) struct Asked {
    waiting: HashMap<Ticket, Waiting>,
    tickets: u64,
}

impl Asked {
    pub(super) fn expect(&mut self, app: AppId, call: CallId) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.waiting.insert(ticket, Waiting { app, call, fate: Fate::Put });
        ticket
    }

    /// The answer to a question is not wanted any more; false when it has been put, or is unknown.
    pub(super) fn forget(&mut self, app: &AppId, call: CallId) -> bool {
        let mut waiting = self.waiting.values_mut();
        let Some(waiting) = waiting.find(|w| w.app == *app && w.call == call) else { return false };
        if waiting.fate == Fate::Put {
            waiting.fate = Fate::Forgotten;
        }
        true
    }

    /// Whatever starts for these apps' questions has to end.
    pub(super) fn end(&mut self, of: impl Fn(&AppId) -> bool, why: &End) {
        for waiting in self.waiting.values_mut().filter(|waiting| of(&waiting.app)) {
            if !matches!(waiting.fate, Fate::Ended(_)) {
                waiting.fate = Fate::Ended(why.clone());
            }
        }
    }

    /// Why what starts for a question has to end, if it has to.
    pub(super) fn ended(&self, ticket: Ticket) -> Option<End> {
        match &self.waiting.get(&ticket)?.fate {
            Fate::Ended(why) => Some(why.clone()),
            Fate::Put | Fate::Forgotten => None,
        }
    }

    /// The question is put now, or never.
    pub(super) fn take(&mut self, ticket: Ticket) -> Fate {
        self.waiting.remove(&ticket).map_or(Fate::Forgotten, |waiting| waiting.fate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(id: &str) -> AppId {
        AppId::new(id).expect("an id")
    }

    #[test]
    fn an_end_holds_for_what_waits_and_for_nothing_that_comes_later() {
        let (mut asked, mine) = (Asked::default(), app("com.example.mine"));
        let first = asked.expect(mine.clone(), CallId(1));
        let other = asked.expect(app("com.example.other"), CallId(2));
        assert!(asked.forget(&mine, CallId(1)));
        asked.end(|app| *app == mine, &End::NotAllowed);
        let second = asked.expect(mine.clone(), CallId(3));
        assert_eq!(asked.ended(first), Some(End::NotAllowed));
        assert_eq!((asked.ended(second), asked.ended(other)), (None, None));
        assert_eq!(asked.take(first), Fate::Ended(End::NotAllowed));
        assert_eq!((asked.take(second), asked.take(other)), (Fate::Put, Fate::Put));
        assert!(!asked.forget(&mine, CallId(3)), "it has been put");
    }

    #[test]
    fn a_forgotten_question_is_not_put() {
        let (mut asked, app) = (Asked::default(), app("com.example.app"));
        let ticket = asked.expect(app.clone(), CallId(7));
        assert!(!asked.forget(&app, CallId(8)));
        assert!(asked.forget(&app, CallId(7)));
        assert_eq!((asked.ended(ticket), asked.take(ticket)), (None, Fate::Forgotten));
    }
}
