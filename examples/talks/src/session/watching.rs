//! Pictures and films: what takes the whole screen for a while.

use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Event, GLANCE, Next, Session, Then};
use crate::Error;
use crate::picture::Picture;
use crate::talk::Talk;
use crate::video::Video;

/// Columns of a film: most terminals have so many.
const COLUMNS: usize = 80;

impl Session {
    /// Shows the thumbnail of a talk.
    pub(super) fn show(&mut self, talk: &Talk) -> Result<(), Error> {
        let picture = Picture::from_ppm(&self.viewer.thumbnail(talk)?)?;
        let (width, height) = picture.size();
        if self.output.has_screen() {
            self.output.clear(&[])?;
            self.output.picture(&picture, &format!("{} \u{2013} Enter goes back ", talk.title))?;
            self.watch_until(None)?;
        }
        let told = json!({ "event": "shown", "id": talk.id(), "width": width, "height": height });
        self.output.say(&format!("{}, by {}: {width} x {height}", talk.title, talk.speaker), &told)
    }

    /// Plays a talk that is here: on a screen as a film, else by reading every frame.
    pub(super) fn play(&mut self, talk: &Talk) -> Result<(), Error> {
        let contents = self.viewer.video(talk)?; // mapped: stays whole even if the talk is removed now
        let video = Video::parse(&contents)?;
        let frame_time = Duration::from_secs(1) / video.frames_per_second;
        let mut frames = 0_u32;
        let mut due = Instant::now();
        if self.output.has_screen() {
            self.output.clear(&[])?;
        }
        for frame in video.frames() {
            let frame = frame?;
            frames += 1;
            if self.output.has_screen() {
                let step = video.width.div_ceil(COLUMNS);
                let caption = format!("{} \u{2013} Enter stops ", talk.title);
                self.output.picture(&Picture::of_frame(&frame, step), &caption)?;
                due += frame_time;
                if let Next::End = self.watch_until(Some(due))? {
                    break;
                }
            }
        }
        let (width, height) = (video.width, video.height);
        let told = json!({
            "event": "played", "id": talk.id(), "width": width, "height": height,
            "framesPerSecond": video.frames_per_second, "frames": frames,
            "bytes": contents.len(), "blake3": blake3::hash(&contents).to_string(),
        });
        let text = format!(
            "{}: {width} x {height}, {frames} frames, {} bytes",
            talk.title,
            contents.len()
        );
        self.output.say(&text, &told)?;
        self.output.clear(&self.viewer.rows())
    }

    /// Lets events arrive until it is time, or, as [`Next::End`], until a person has seen enough.
    fn watch_until(&mut self, due: Option<Instant>) -> Result<Next, Error> {
        loop {
            let left = due.map_or(GLANCE, |due| due.saturating_duration_since(Instant::now()));
            match self.events.recv_timeout(left) {
                Ok(Event::Line(_)) => return Ok(Next::End),
                Ok(Event::EndOfInput) => {
                    self.input_ended = true;
                    return Ok(Next::End);
                }
                // Whatever else comes waits for its turn: one film at a time.
                Ok(Event::Update(update)) => self.viewer.apply(*update)?,
                Ok(event) => self.take_quietly(event)?,
                Err(RecvTimeoutError::Timeout) if due.is_none() => {}
                Err(_) => return Ok(Next::GoOn),
            }
        }
    }

    /// As [`take`](Self::take), without beginning another film.
    fn take_quietly(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Arrived { id, result, .. } => {
                self.take(Event::Arrived { id, then: Then::Nothing, result })
            }
            event => self.take(event),
        }
    }
}
