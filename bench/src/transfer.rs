//! How bytes move, beside other tools: on loopback and through a slow link, from the same nginx.

mod install;
mod kills;
mod link;
mod many;
mod nginx;
mod page;
mod ping;
mod slow;
mod timed;

use std::path::Path;

use crate::error::BenchError;
use crate::run::{self, Tools};
use link::Link;

/// One figure of one tool.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) tool: String,
    /// None: the tool is not there, or failed.
    pub(crate) value: Option<f64>,
    pub(crate) note: String,
}

impl Figure {
    fn new(tool: &str, value: Option<f64>, note: impl Into<String>) -> Self {
        Self { tool: tool.to_owned(), value, note: note.into() }
    }
}

/// Figures of several tools that can be compared.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    pub(crate) figures: Vec<Figure>,
}

impl Group {
    /// The value of a tool.
    fn of(&self, tool: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.tool == tool)?.value
    }
}

/// Something that has to hold.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) what: String,
    pub(crate) demanded: String,
    pub(crate) measured: String,
    /// None: it could not be measured here.
    pub(crate) met: Option<bool>,
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Transfer {
    pub(crate) groups: Vec<Group>,
    pub(crate) targets: Vec<Target>,
    pub(crate) remarks: Vec<String>,
}

impl Transfer {
    /// Holds `measured` against `limit`; both must be there.
    fn demand(&mut self, what: &str, demanded: &str, measured: Option<f64>, limit: Option<f64>) {
        let met = measured.zip(limit).map(|(measured, limit)| measured <= limit);
        let told =
            |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.2}"));
        let measured = format!("{} (at most {})", told(measured), told(limit));
        let (what, demanded) = (what.to_owned(), demanded.to_owned());
        self.targets.push(Target { what, demanded, measured, met });
    }
}

/// Measures everything and writes the page. Where something demanded does not hold, the page says so.
pub(crate) fn measure(tools: &Tools, docs: &Path) -> Result<(), BenchError> {
    let folder = tools.folder("transfer")?;
    let mut transfer = Transfer::default();
    install::measure(tools, &folder, &mut transfer)?;
    many::measure(tools, &folder, &mut transfer)?;
    kills::measure(tools, &folder, &mut transfer)?;
    match Link::up() {
        Ok(link) => {
            slow::measure(tools, &folder, &link, &mut transfer)?;
            ping::measure(tools, &folder, &link, &mut transfer)?;
        }
        Err(error) => {
            transfer.remarks.push(format!("The slow link could not be made: {error}. It needs root, iproute2 and /dev/net/tun."));
        }
    }
    let text = page::page(&transfer);
    crate::show(&text);
    run::write(&docs.join("transfer.md"), text.as_bytes())?;
    run::write(&docs.join("transfer.svg"), page::draw(&transfer).as_bytes())?;
    run::remove(&folder)
}
