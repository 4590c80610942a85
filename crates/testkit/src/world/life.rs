//! The life of the service: each event is handled, committed, and only then acted upon; and any of it may be cut short.

use headstart_engine::{Effect, Effects, Event, State, handle};
use headstart_model::record::{Change, Row};

use super::{Happening, World};

impl World {
    /// Does what the daemon does with an event: has it handled, commits, and only then acts. Any of it may go wrong.
    pub(super) fn hear(&mut self, event: Event) {
        let now = self.now();
        let Effects { changes, effects } = handle(&mut self.state, event, now);
        if !changes.is_empty() {
            if self.rng.chance(self.faults.commit) {
                return self.reload();
            }
            if self.rng.chance(self.faults.crash) {
                // The power goes while the transaction is written: all of it is there afterwards, or nothing.
                if self.rng.chance(500) {
                    self.commit(changes);
                }
                return self.crash();
            }
            self.commit(changes);
            self.check_round_trip();
        }
        for effect in effects {
            if self.falls_over() {
                return;
            }
            self.perform(effect);
        }
        self.check_event();
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Order { id, order } => self.start(id, order),
            Effect::Stop { id } => self.stop(id),
            Effect::Answer { request, outcome } => self.take_answer(request, outcome),
            Effect::Tell(notice) => {
                self.check_notice(&notice);
                self.notices.push((self.now_ms, notice));
            }
            Effect::Ask(inquiry) => self.take_inquiry(inquiry),
            Effect::Forget { call, .. } => {
                self.hearing.inquiries.retain(|open| open.call != call);
            }
            // Here nothing goes faster for being urgent, and an extension holds nothing.
            Effect::Reclass { .. } | Effect::EndExtension { .. } | Effect::Limit { .. } => {}
            Effect::SetTimer { at } => {
                self.timer = Some(at);
                self.schedule(at.0.saturating_sub(self.now_ms), Happening::Timer);
            }
        }
    }

    fn commit(&mut self, changes: Vec<Change>) {
        for Change { table, key, body } in changes {
            match body {
                Some(body) => self.rows.insert((table, key), body),
                None => self.rows.remove(&(table, key)),
            };
        }
    }

    pub(super) fn load(&self) -> State {
        let rows = self.rows.iter().map(|((table, key), body)| Row {
            table: *table,
            key: key.clone(),
            body: body.clone(),
        });
        State::load(rows, self.device).expect("rows that the engine wrote")
    }

    /// A commit failed: what is in memory is dropped and loaded again; what runs goes on running.
    fn reload(&mut self) {
        self.lose_calls();
        self.begin_life();
    }

    /// The power goes.
    pub fn crash(&mut self) {
        self.life += 1;
        self.running.clear();
        self.timer = None;
        self.disk.crash(&mut self.rng);
        self.lose_calls();
        self.begin_life();
    }

    fn begin_life(&mut self) {
        self.watch.forget_progress();
        self.lose_receivers();
        self.state = self.load();
        self.check_disk();
        let life = self.life;
        self.hear(Event::Restarted);
        if self.life == life {
            self.tell_facts();
        }
    }

    /// Draws whether the power goes now, and lets it.
    pub(super) fn falls_over(&mut self) -> bool {
        let falls = self.rng.chance(self.faults.crash);
        if falls {
            self.crash();
        }
        falls
    }
}
