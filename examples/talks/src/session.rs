//! The viewer at work: commands, updates and the ends of downloads arrive one after the other in
//! one queue, so nothing is locked and nothing is polled.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::BufRead as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use headstart::{DownloadStatusUpdate, EnsureOptions, Require, UpdateCheck, Urgency};
use serde_json::json;

use crate::Error;
use crate::command::Command;
use crate::output::Output;
use crate::talk::Talk;
use crate::viewer::Viewer;

mod watching;

/// How old the list may become while nothing happens: nobody tells a program that a pack was removed
/// elsewhere, but whether it is here costs next to nothing to ask.
const GLANCE: Duration = Duration::from_secs(1);
const QUEUE: usize = 64;

/// Where commands come from.
#[derive(Debug)]
pub enum Input {
    /// This one, and then the end.
    Once(String),
    /// Lines of standard input.
    Lines,
}

/// How everything ended that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Done,
    /// Something failed, and was told.
    Failed,
}

#[derive(Debug)]
enum Event {
    Line(String),
    EndOfInput,
    Update(Box<DownloadStatusUpdate>),
    UpdatesEnded(headstart::Error),
    Arrived { id: String, then: Then, result: Result<(), headstart::Error> },
    Checked(Result<UpdateCheck, headstart::Error>),
}

/// What to do when a talk has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Nothing,
    Play,
}

#[derive(Debug)]
enum Next {
    GoOn,
    End,
}

/// A viewer that talks with somebody.
#[derive(Debug)]
pub struct Session {
    viewer: Viewer,
    output: Output,
    sender: SyncSender<Event>,
    events: Receiver<Event>,
    lines: VecDeque<String>,
    input_ended: bool,
    /// Calls that have not ended.
    pending: usize,
    /// Whether commands wait for them.
    waiting: bool,
    following: bool,
    outcome: Outcome,
}

impl Session {
    /// Connects, and lists the talks.
    ///
    /// # Errors
    /// As [`Viewer::connect`] and [`Viewer::refresh`].
    pub fn start(output: Output, input: Input) -> Result<Self, Error> {
        let (sender, events) = sync_channel(QUEUE);
        let mut session = Self {
            viewer: Viewer::connect()?,
            output,
            sender,
            events,
            lines: VecDeque::new(),
            input_ended: false,
            pending: 0,
            waiting: false,
            following: false,
            outcome: Outcome::Done,
        };
        session.follow()?;
        match input {
            Input::Once(line) => {
                session.lines.push_back(line);
                session.input_ended = true;
            }
            Input::Lines => session.read_lines(),
        }
        Ok(session)
    }

    /// Does what is asked for until the input ends and everything has come or failed.
    ///
    /// # Errors
    /// When the terminal or pipe is gone. Other failures are told, and are no end.
    pub fn run(mut self) -> Result<Outcome, Error> {
        self.output.clear(&self.viewer.rows())?;
        loop {
            self.output.draw(&self.viewer.rows())?;
            self.waiting &= self.pending > 0;
            if !self.waiting
                && let Some(line) = self.lines.pop_front()
            {
                if let Next::End = self.obey(&line)? {
                    return Ok(self.outcome);
                }
                self.output.clear(&self.viewer.rows())?;
                continue;
            }
            if self.input_ended && self.lines.is_empty() && self.pending == 0 {
                return Ok(self.outcome);
            }
            match self.events.recv_timeout(GLANCE) {
                Ok(event) => self.take(event)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(self.outcome),
            }
        }
    }

    /// Follows what happens to downloads. The list is asked for afterwards, so nothing is missed
    /// between the two.
    fn follow(&mut self) -> Result<(), Error> {
        if !self.following {
            let updates = self.viewer.updates()?;
            let sender = self.sender.clone();
            std::thread::spawn(move || {
                for update in updates {
                    let event = match update {
                        Ok(update) => Event::Update(Box::new(update)),
                        Err(error) => Event::UpdatesEnded(error),
                    };
                    if sender.send(event).is_err() {
                        return;
                    }
                }
            });
            self.following = true;
        }
        self.viewer.refresh()
    }

    fn read_lines(&self) {
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if sender.send(Event::Line(line)).is_err() {
                    return;
                }
            }
            // Nobody hears it when the viewer has ended.
            let _ = sender.send(Event::EndOfInput);
        });
    }

    fn obey(&mut self, line: &str) -> Result<Next, Error> {
        if line.trim().is_empty() {
            return Ok(Next::GoOn);
        }
        match Command::parse(line).and_then(|command| self.execute(command)) {
            Ok(next) => Ok(next),
            Err(error @ Error::Io(_)) => Err(error),
            Err(error) => self.fail(&error).map(|()| Next::GoOn),
        }
    }

    fn fail(&mut self, error: &Error) -> Result<(), Error> {
        // A person has read it, and may go on or not; a script has the exit code.
        if !self.output.has_screen() {
            self.outcome = Outcome::Failed;
        }
        self.output.complain(error)
    }

    fn execute(&mut self, command: Command) -> Result<Next, Error> {
        match command {
            Command::List => self.output.list(&self.viewer.rows())?,
            Command::Show(number) => self.show(&self.viewer.talk(number)?)?,
            Command::Get(number) => {
                self.fetch(&self.viewer.talk(number)?, Urgency::Foreground, Then::Nothing);
            }
            Command::Later(number) => {
                self.fetch(&self.viewer.talk(number)?, Urgency::Background, Then::Nothing);
            }
            Command::Play(number) => {
                let talk = self.viewer.talk(number)?;
                if self.viewer.is_here(&talk) {
                    self.play(&talk)?;
                } else {
                    // Somebody looks at the screen: the others go on with what it leaves of the link.
                    self.fetch(&talk, Urgency::Immediate, Then::Play);
                }
            }
            Command::Cancel(number) => {
                self.viewer.packs().cancel(self.viewer.talk(number)?.id())?;
            }
            Command::Why(number) => self.why(&self.viewer.talk(number)?)?,
            Command::Remove(number) => {
                let talk = self.viewer.talk(number)?;
                self.viewer.packs().remove(talk.id())?;
                let told = json!({ "event": "removed", "id": talk.id() });
                self.output.say(&format!("{} is removed", talk.title), &told)?;
            }
            Command::Update => self.check(),
            Command::Wait => self.waiting = true,
            Command::Quit => return Ok(Next::End),
        }
        Ok(Next::GoOn)
    }

    /// Has a talk downloaded, on a thread that waits for it.
    fn fetch(&mut self, talk: &Talk, options: impl Into<EnsureOptions>, then: Then) {
        let (packs, pack, options) =
            (self.viewer.packs().clone(), talk.pack.clone(), options.into());
        let sender = self.sender.clone();
        self.pending += 1;
        std::thread::spawn(move || {
            let result = packs.ensure_local_availability_with(&pack, options);
            // Nobody hears it when the viewer has ended: the talk is here all the same.
            let _ = sender.send(Event::Arrived { id: pack.id().to_owned(), then, result });
        });
    }

    fn check(&mut self) {
        let (packs, sender) = (self.viewer.packs().clone(), self.sender.clone());
        self.pending += 1;
        std::thread::spawn(move || {
            let _ = sender.send(Event::Checked(packs.check_for_updates()));
        });
    }

    fn take(&mut self, event: Event) -> Result<(), Error> {
        let result = match event {
            Event::Line(line) => {
                self.lines.push_back(line);
                Ok(())
            }
            Event::EndOfInput => {
                self.input_ended = true;
                Ok(())
            }
            Event::Update(update) => self.viewer.apply(*update),
            Event::UpdatesEnded(error) => {
                self.following = false;
                Err(error.into())
            }
            Event::Arrived { id, then, result } => {
                self.pending -= 1;
                self.arrived(&id, then, result)
            }
            Event::Checked(result) => {
                self.pending -= 1;
                result.map_err(Error::from).and_then(|check| self.checked(&check))
            }
        };
        match result {
            Err(error @ Error::Io(_)) => Err(error),
            Err(error) => self.fail(&error),
            Ok(()) => Ok(()),
        }
    }

    fn arrived(
        &mut self,
        id: &str,
        then: Then,
        result: Result<(), headstart::Error>,
    ) -> Result<(), Error> {
        result?;
        self.viewer.conclude(id);
        let Some(talk) = self.viewer.talk_of(id) else { return Ok(()) };
        self.output.draw(&self.viewer.rows())?;
        if then == Then::Play { self.play(&talk) } else { Ok(()) }
    }

    /// Lists what is offered now, and waits for the talks that are being updated.
    fn checked(&mut self, check: &UpdateCheck) -> Result<(), Error> {
        self.follow()?;
        let (updating, removed) = (check.updating.len(), check.removed.len());
        let told =
            json!({ "event": "checked", "updating": check.updating, "removed": check.removed });
        self.output.say(&format!("{updating} packs are updated, {removed} removed"), &told)?;
        for id in &check.updating {
            // Not every pack is a talk: the thumbnails come by themselves.
            if let Some(talk) = self.viewer.talk_of(id) {
                self.fetch(&talk, Require::LatestVersion, Then::Nothing);
            }
        }
        Ok(())
    }

    fn why(&mut self, talk: &Talk) -> Result<(), Error> {
        let told = self.viewer.explain(talk)?;
        let mut text = format!("{}: {}", talk.title, told.state);
        for reason in &told.reasons {
            let _ = write!(text, "\n  because {}", reason.text); // a string takes everything
        }
        let reasons = json!({ "event": "why", "id": talk.id(), "state": told.state, "reasons": told.reasons });
        self.output.say(&text, &reasons)
    }
}
