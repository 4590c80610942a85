//! What the viewer knows about the talks, and what it asks of the library.

use std::collections::BTreeMap;

use headstart::blocking::{AssetPackManager, Events, Packs};
use headstart::packs::Explanation;
use headstart::{Connector, Contents, DownloadStatusUpdate, ErrorKind, PackId, Reason};
use serde_json::{Value, json};

use crate::Error;
use crate::output::Row;
use crate::talk::Talk;

/// The talks and how their downloads go.
#[derive(Debug)]
pub struct Viewer {
    packs: AssetPackManager,
    service: Packs,
    talks: Vec<Talk>,
    courses: BTreeMap<String, Course>,
}

/// How the download of a talk goes, or how it ended without the talk.
#[derive(Debug, Clone)]
pub enum Course {
    /// It waits, for these reasons.
    Waiting(Vec<Reason>),
    /// Bytes arrive.
    Downloading {
        /// The share that is here, 0 to 1.
        fraction: f64,
        /// Bytes in a second.
        bytes_per_second: u64,
    },
    /// It failed.
    Failed(headstart::Error),
}

impl Viewer {
    /// Finds the service, and the packs of this app. The list is empty until
    /// [`refresh`](Self::refresh).
    ///
    /// # Errors
    /// When the service cannot be had, or does not know this program as an app.
    pub fn connect() -> Result<Self, Error> {
        let packs = AssetPackManager::connect()?; // starts the service if none runs
        let service = Connector::new().packs_blocking()?;
        Ok(Self { packs, service, talks: Vec::new(), courses: BTreeMap::new() })
    }

    /// Lists the talks that are offered, and how their downloads go.
    ///
    /// # Errors
    /// What the service says.
    pub fn refresh(&mut self) -> Result<(), Error> {
        self.talks = Talk::all(self.packs.manifest()?.asset_packs());
        self.courses.clear();
        for talk in &self.talks {
            // A download that began before this program did is told by no update.
            let Explanation { state, reasons, .. } = self.explain(talk)?;
            let course = match state.as_str() {
                "waiting" => Course::Waiting(reasons),
                "downloading" => Course::Downloading { fraction: 0.0, bytes_per_second: 0 },
                _ => continue,
            };
            self.courses.insert(talk.id().to_owned(), course);
        }
        Ok(())
    }

    /// What happens to downloads, from now on.
    ///
    /// # Errors
    /// What the service says.
    pub fn updates(&self) -> Result<Events<DownloadStatusUpdate>, Error> {
        Ok(self.packs.status_updates()?)
    }

    /// Takes note of what happened to a download.
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh), when updates were missed.
    pub fn apply(&mut self, update: DownloadStatusUpdate) -> Result<(), Error> {
        use DownloadStatusUpdate as Update;
        let Some(id) = update.asset_pack().map(|pack| pack.id().to_owned()) else {
            return self.refresh(); // this program was too slow, and some were dropped
        };
        let course = match update {
            Update::Began(_) => Course::Downloading { fraction: 0.0, bytes_per_second: 0 },
            Update::Paused(_, reasons) => Course::Waiting(reasons),
            Update::Downloading(_, progress) => Course::Downloading {
                fraction: progress.fraction(),
                bytes_per_second: progress.bytes_per_second(),
            },
            Update::Failed(_, error) if error.kind() != ErrorKind::Cancelled => {
                Course::Failed(error)
            }
            _ => {
                self.courses.remove(&id);
                return Ok(());
            }
        };
        self.courses.insert(id, course);
        Ok(())
    }

    /// The library, for calls that wait on a thread of their own.
    #[must_use]
    pub const fn packs(&self) -> &AssetPackManager {
        &self.packs
    }

    /// The talk with this number in the list, from 1.
    ///
    /// # Errors
    /// [`Error::NoSuchTalk`].
    pub fn talk(&self, number: usize) -> Result<Talk, Error> {
        let found = number.checked_sub(1).and_then(|at| self.talks.get(at));
        let count = self.talks.len();
        found.cloned().ok_or(Error::NoSuchTalk { number, count })
    }

    /// The talk whose pack has this id.
    #[must_use]
    pub fn talk_of(&self, id: &str) -> Option<Talk> {
        self.talks.iter().find(|talk| talk.id() == id).cloned()
    }

    /// Whether a talk can be played now. Asked each time and never remembered: people remove talks,
    /// and updates withdraw them.
    #[must_use]
    pub fn is_here(&self, talk: &Talk) -> bool {
        self.packs.asset_pack_is_available_locally(talk.id())
    }

    /// The video of a talk, mapped into memory. It stays whole for as long as it is held, also when
    /// the talk is updated or removed meanwhile.
    ///
    /// # Errors
    /// When the talk is not here.
    pub fn video(&self, talk: &Talk) -> Result<Contents, Error> {
        Ok(self.packs.contents(&talk.video())?)
    }

    /// The thumbnail of a talk: here even when the talk is not.
    ///
    /// # Errors
    /// When its pack is not here.
    pub fn thumbnail(&self, talk: &Talk) -> Result<Contents, Error> {
        Ok(self.packs.contents(&talk.thumbnail())?)
    }

    /// Why a talk is, or is not yet, here.
    ///
    /// # Errors
    /// What the service says.
    pub fn explain(&self, talk: &Talk) -> Result<Explanation, Error> {
        let id = PackId::new(talk.id()).map_err(|_| Error::NoCommand(talk.id().to_owned()))?;
        Ok(self.service.explain(&id)?)
    }

    /// Forgets how the download of a talk went: it has been heard from.
    pub fn conclude(&mut self, id: &str) {
        self.courses.remove(id);
    }

    /// The list, as it is at this moment.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.talks.iter().zip(1..).map(|(talk, number)| self.row(talk, number)).collect()
    }

    fn row(&self, talk: &Talk, number: usize) -> Row {
        let local = self.packs.local_version(talk.id()).ok().map(|version| version.0);
        let course = self.courses.get(talk.id());
        let offered = talk.pack.version().0;
        let way = course.map(describe);
        let words = match (local, way) {
            (None, None) => format!("not here, {}", size(talk.pack.download_size())),
            (None, Some(way)) => way,
            (Some(local), None) if local != offered => {
                format!("here; version {offered} is offered")
            }
            (Some(_), None) => "here".to_owned(),
            (Some(_), Some(way)) => format!("here; update: {way}"),
        };
        let mut json = json!({
            "number": number,
            "id": talk.id(),
            "title": talk.title,
            "speaker": talk.speaker,
            "state": if local.is_some() { "here" } else { "notHere" },
            "version": offered,
            "localVersion": local,
            "downloadSize": talk.pack.download_size(),
            "download": course.map(course_json),
        });
        let key = json!([local, offered, course.map(step)]).to_string();
        let text = format!("{number:>2}  {:<34}{:<14}{words}", talk.title, talk.speaker);
        if let Some(fields) = json.as_object_mut() {
            fields.insert("event".to_owned(), "talk".into());
        }
        Row { text, json, key }
    }
}

fn describe(course: &Course) -> String {
    match course {
        Course::Waiting(reasons) => {
            let texts: Vec<_> = reasons.iter().map(|reason| reason.text.as_str()).collect();
            if texts.is_empty() {
                "waiting".into()
            } else {
                format!("waiting: {}", texts.join("; "))
            }
        }
        Course::Downloading { fraction, bytes_per_second } => {
            let done = tenths(*fraction);
            let bar = "#".repeat(done) + &".".repeat(10 - done);
            format!("[{bar}] {:>3.0} %  {}/s", fraction * 100.0, size(*bytes_per_second))
        }
        Course::Failed(error) => format!("failed: {error}"),
    }
}

fn course_json(course: &Course) -> Value {
    match course {
        Course::Waiting(reasons) => json!({ "state": "waiting", "reasons": reasons }),
        Course::Downloading { fraction, bytes_per_second } => json!({
            "state": "downloading", "fraction": fraction, "bytesPerSecond": bytes_per_second,
        }),
        Course::Failed(error) => json!({ "state": "failed", "error": error.failure() }),
    }
}

/// What of a course is worth a line where lines stay: each tenth.
fn step(course: &Course) -> String {
    match course {
        Course::Downloading { fraction, .. } => format!("downloading {}", tenths(*fraction)),
        Course::Waiting(_) | Course::Failed(_) => describe(course),
    }
}

fn tenths(fraction: f64) -> usize {
    (1..=10_u8).filter(|tenth| fraction * 10.0 >= f64::from(*tenth)).count()
}

fn size(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_is_drawn_as_a_bar_with_its_rate() {
        let course = Course::Downloading { fraction: 0.42, bytes_per_second: 1_250_000 };
        assert_eq!(describe(&course), "[####......]  42 %  1.2 MB/s");
        let whole = Course::Downloading { fraction: 1.0, bytes_per_second: 0 };
        assert!(describe(&whole).starts_with("[##########] 100 %"));
    }

    #[test]
    fn a_download_that_waits_says_what_for() {
        let reason = Reason {
            fact: "offline".into(),
            text: "there is no network".into(),
            since: None,
            until: None,
        };
        assert_eq!(describe(&Course::Waiting(vec![reason])), "waiting: there is no network");
    }
}
