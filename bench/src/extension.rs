//! What an extension costs: how soon it is asked, and how fast many downloads are scheduled.

mod probe;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use headstart::apps::{InstallOptions, SimulationEvent};
use headstart::{AppGroupId, AppId, Connector, ContentRequest, Start};

use crate::error::BenchError;
use crate::process::{SAMPLE_EVERY, pause};
use crate::run::{self, Tools};
use crate::say;
use crate::server::Server;

pub(crate) use probe::{is_wanted, run as be_extension};

const APP: &str = "com.example.bench";
const GROUP: &str = "group.com.example.bench";
/// Events of which the median is taken.
const EVENTS: usize = 101;
/// Answers of which the median is taken.
const ANSWERS: usize = 3;
/// How many downloads are scheduled at once.
const COUNTS: [usize; 3] = [1_000, 10_000, 100_000];
const REACHED_MAX: Duration = Duration::from_millis(30);
const SCHEDULED_MAX: Duration = Duration::from_secs(2);
/// What a download may cost more among 100,000 than among 1,000, as a ratio.
const GROWTH_MAX: f64 = 1.5;

/// The medians.
#[derive(Debug)]
pub(crate) struct Extension {
    /// From the event to the call, in an extension that is started for it.
    started: Duration,
    /// The same, in one that runs.
    running: Duration,
    /// From the extension's answer until everything is scheduled durably, by count.
    answered: Vec<(usize, Duration)>,
    /// The same for what the app schedules.
    scheduled: Vec<(usize, Duration)>,
}

pub(crate) fn measure(tools: &Tools) -> Result<Extension, BenchError> {
    let folder = tools.folder("extension")?;
    let web = folder.join("web");
    run::write(&web.join("manifest"), b"0")?;
    let server = Server::start(tools, &web)?;
    let device = Device { home: folder.join("home"), bundle: folder.join("bundle"), web };
    device.write_bundle(&server.url)?;
    say("extension: how soon it is asked, started for each event");
    let started = device.with_service(tools, "1ms", |device| device.reached(true))?;
    say("extension: how soon it is asked, running");
    let running = device.with_service(tools, "10s", |device| device.reached(false))?;
    say(&format!("extension: asked after {} and {}", ms(started), ms(running)));
    let (mut answered, mut scheduled) = (Vec::new(), Vec::new());
    for count in COUNTS {
        let (mut of_extension, mut of_app) = (Vec::new(), Vec::new());
        for _ in 0..ANSWERS {
            of_extension.push(device.with_service(tools, "10s", |d| d.answered(count))?);
            of_app.push(device.with_service(tools, "10s", |d| d.scheduled(count))?);
        }
        let (of_extension, of_app) = (median(of_extension), median(of_app));
        say(&format!("extension: {count} downloads: {} and {}", ms(of_extension), ms(of_app)));
        answered.push((count, of_extension));
        scheduled.push((count, of_app));
    }
    server.stop()?;
    run::remove(&folder)?;
    Ok(Extension { started, running, answered, scheduled })
}

/// A device, with an app whose extension is this program.
struct Device {
    home: PathBuf,
    bundle: PathBuf,
    web: PathBuf,
}

impl Device {
    fn write_bundle(&self, url: &str) -> Result<(), BenchError> {
        let description = format!(
            "[app]\nid = \"{APP}\"\nversion = \"1.0.0\"\nexecutable = \"bin/game\"\n\
             extension = \"bin/extension\"\n\n[background-assets]\nBAAppGroupID = \"{GROUP}\"\n\
             BAManifestURL = \"{url}manifest\"\n\n\
             [background-assets.BAInitialDownloadRestrictions]\n\
             BADownloadDomainAllowList = [\"127.0.0.1\"]\nBADownloadAllowance = 1000000000000\n\
             BAEssentialDownloadAllowance = 1000000000000\n"
        );
        run::write(&self.bundle.join("headstart.toml"), description.as_bytes())?;
        run::write(&self.bundle.join("bin/game"), b"#!/bin/sh\n")?;
        let own = std::env::current_exe().map_err(BenchError::file("the benchmark"))?;
        let extension = self.bundle.join("bin/extension");
        std::fs::copy(own, &extension).map(drop).map_err(BenchError::file(extension))
    }

    /// Runs `work` on a fresh device.
    fn with_service<T>(
        &self,
        tools: &Tools,
        idle: &str,
        work: impl FnOnce(&Self) -> Result<T, BenchError>,
    ) -> Result<T, BenchError> {
        run::fresh_folder(&self.home)?;
        run::write(&self.web.join("manifest"), b"0")?;
        let mut service = Service::start(tools, &self.home, idle)?;
        let installed = self
            .apps()?
            .install(&self.bundle, InstallOptions { dev: true, ..InstallOptions::default() });
        for event in installed.map_err(|error| failed(&error))? {
            event.map_err(|error| failed(&error))?;
        }
        let done = work(self)?;
        service.stop();
        Ok(done)
    }

    fn connector(&self) -> Connector {
        Connector::new().home(&self.home).start(Start::Never)
    }

    fn apps(&self) -> Result<headstart::blocking::Apps, BenchError> {
        self.connector().apps_blocking().map_err(|error| failed(&error))
    }

    /// From an event to the call, in the median.
    fn reached(&self, anew: bool) -> Result<Duration, BenchError> {
        let mut spans = Vec::new();
        for number in 0..=EVENTS {
            if anew {
                self.until_ended()?;
            }
            let fired = probe::now_ns();
            self.simulate(|_| false)?;
            let (called, _) = self.last_call()?;
            // The first one fills the caches.
            if number > 0 {
                spans.push(span(fired, called));
            }
        }
        Ok(median(spans))
    }

    /// Waits until no extension runs.
    fn until_ended(&self) -> Result<(), BenchError> {
        let app = AppId::new(APP).map_err(|error| failed(&error))?;
        let apps = self.apps()?;
        loop {
            let details = apps.info(&app).map_err(|error| failed(&error))?;
            let runs = details.extension.map(|extension| extension.runs).unwrap_or_default();
            if runs.iter().all(|run| run.ended.is_some()) {
                return Ok(());
            }
            pause(SAMPLE_EVERY);
        }
    }

    /// From the extension's answer until its downloads are scheduled.
    fn answered(&self, count: usize) -> Result<Duration, BenchError> {
        run::write(&self.web.join("manifest"), count.to_string().as_bytes())?;
        let mut durable = None;
        self.simulate(|event| {
            if let SimulationEvent::Scheduled(all) = event {
                durable = Some((probe::now_ns(), *all));
            }
            durable.is_some()
        })?;
        let (_, returned) = self.last_call()?;
        let Some((durable, all)) = durable else { return Err(not_met("nothing was scheduled")) };
        if all != count as u64 {
            return Err(not_met(&format!("{all} of {count} downloads were scheduled")));
        }
        Ok(span(returned, durable))
    }

    /// Until what the app schedules is scheduled.
    fn scheduled(&self, count: usize) -> Result<Duration, BenchError> {
        let group = AppGroupId::new(GROUP).map_err(|error| failed(&error))?;
        let downloads = probe::some("own", count, &group).map_err(|error| failed(&error))?;
        let manager = self.manager()?;
        let began = Instant::now();
        manager.schedule_all(&downloads).map_err(|error| failed(&error))?;
        Ok(began.elapsed())
    }

    fn manager(&self) -> Result<headstart::blocking::DownloadManager, BenchError> {
        let app = AppId::new(APP).map_err(|error| failed(&error))?;
        self.connector().app(app).downloads_blocking().map_err(|error| failed(&error))
    }

    /// Fires a periodic event and listens until `enough` or its end.
    fn simulate(&self, mut enough: impl FnMut(&SimulationEvent) -> bool) -> Result<(), BenchError> {
        let app = AppId::new(APP).map_err(|error| failed(&error))?;
        let events = self.apps()?.simulate_event(&app, ContentRequest::Periodic);
        for event in events.map_err(|error| failed(&error))? {
            let event = event.map_err(|error| failed(&error))?;
            if let SimulationEvent::Done(outcome) = &event
                && let Some(failure) = &outcome.extension
            {
                return Err(not_met(&failure.to_string()));
            }
            if enough(&event) {
                break;
            }
        }
        Ok(())
    }

    /// When the extension was called last, and when it returned.
    fn last_call(&self) -> Result<(u128, u128), BenchError> {
        let path = self.home.join("groups").join(GROUP).join(probe::TIMES);
        let times = std::fs::read_to_string(&path).map_err(BenchError::file(&path))?;
        std::fs::remove_file(&path).map_err(BenchError::file(&path))?;
        let mut numbers = times.lines().last().unwrap_or_default().split(' ').map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(called)), Some(Ok(returned))) => Ok((called, returned)),
            _ => Err(not_met("the extension noted no times")),
        }
    }
}

/// The service; killed when dropped.
struct Service {
    child: Child,
}

impl Service {
    /// Starts it and waits until it answers.
    fn start(tools: &Tools, home: &Path, idle: &str) -> Result<Self, BenchError> {
        let mut command = Command::new(&tools.headstartd);
        command.env("HEADSTART_HOME", home).env_remove("XDG_RUNTIME_DIR");
        // 100,000 downloads in one list are more than an extension has room for.
        command.args(["--extension-idle", idle, "--extension-memory", "512"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|source| BenchError::Start {
            program: tools.headstartd.display().to_string(),
            source,
        })?;
        let mut service = Self { child };
        let connector = Connector::new().home(home).start(Start::Never);
        loop {
            let status = connector.service_blocking().and_then(|service| service.status());
            if matches!(status, Ok(Some(_))) {
                return Ok(service);
            }
            if matches!(service.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return Err(run::silent(&command, "that it is ready"));
            }
            pause(SAMPLE_EVERY);
        }
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

fn span(from_ns: u128, to_ns: u128) -> Duration {
    Duration::from_nanos(u64::try_from(to_ns.saturating_sub(from_ns)).unwrap_or(u64::MAX))
}

fn median(mut spans: Vec<Duration>) -> Duration {
    spans.sort();
    spans.get(spans.len() / 2).copied().unwrap_or_default()
}

fn failed(error: &dyn std::error::Error) -> BenchError {
    not_met(&error.to_string())
}

fn not_met(what: &str) -> BenchError {
    BenchError::NotMet(what.to_owned())
}

impl Extension {
    /// The figures as a table.
    pub(crate) fn table(&self) -> String {
        let mut text = String::from("| What | Median | Has to be |\n|---|--:|--:|\n");
        let reached = format!("< {} ms", REACHED_MAX.as_millis());
        let mut row = |what: &str, measured: String, limit: &str| {
            let _ = writeln!(text, "| {what} | {measured} | {limit} |");
        };
        row(
            "from an event to `downloads`, the extension is started for it",
            ms(self.started),
            &reached,
        );
        row("from an event to `downloads`, the extension runs", ms(self.running), &reached);
        for (what, measured) in
            [("the extension returns", &self.answered), ("the app schedules", &self.scheduled)]
        {
            for (count, time) in measured {
                let limit = if *count == 10_000 { "< 2 s" } else { "" };
                let count_shown = crate::report::grouped(*count as u64);
                row(
                    &format!("{count_shown} downloads that {what}, until they are durable"),
                    ms(*time),
                    limit,
                );
                row("the same, for one download", us(each(*count, *time)), "");
            }
        }
        row(
            "one of 100 000 beside one of 1 000, of the extension",
            format!("{:.2}", growth(&self.answered)),
            &format!("≤ {GROWTH_MAX}"),
        );
        row(
            "one of 100 000 beside one of 1 000, of the app",
            format!("{:.2}", growth(&self.scheduled)),
            &format!("≤ {GROWTH_MAX}"),
        );
        text
    }

    /// The page of the documentation.
    pub(crate) fn page(&self, facts: &[(&str, String)]) -> String {
        let mut text = format!(
            "# What an extension costs\n\nWritten by `bench/run.sh extension`. The run fails where a figure is not what it has \
             to be.\n\n{}\n- A real `headstartd` and a real extension in its confinement, which asks for what a manifest on \
             loopback says. Medians of {EVENTS} events, and of {ANSWERS} answers, each on a fresh device.\n- From the event to `downloads`: the event is \
             fired through the socket, the manifest is fetched, the extension is started if it does not run, is confined, \
             connects and is asked. Its program is in the cache of the system.\n- Durable: from the moment the extension has \
             its list until a simulation is told that all are scheduled; for the app, from the call to its return. Both come \
             after the write. The addresses refuse, so transfers begin and fail at the same time.\n- The extension may use \
             512 MiB here: 100 000 downloads as one list are more than 16 MiB.\n\n## Where\n| | |\n|---|---|\n",
            self.table()
        );
        for (name, value) in facts.iter().take_while(|(name, _)| *name != "tar") {
            let _ = writeln!(text, "| {name} | {value} |");
        }
        text
    }

    /// Whether the figures are what they have to be.
    pub(crate) fn judge(&self) -> Result<(), BenchError> {
        for reached in [self.started, self.running] {
            if reached >= REACHED_MAX {
                return Err(not_met(&format!("the extension is asked after {}", ms(reached))));
            }
        }
        for measured in [&self.answered, &self.scheduled] {
            if measured.iter().any(|(count, time)| *count == 10_000 && *time >= SCHEDULED_MAX) {
                return Err(not_met("10,000 downloads are scheduled too slowly"));
            }
            if growth(measured) > GROWTH_MAX {
                return Err(not_met(&format!(
                    "a download costs {:.2} times as much",
                    growth(measured)
                )));
            }
        }
        Ok(())
    }
}

fn each(count: usize, time: Duration) -> Duration {
    time / u32::try_from(count).unwrap_or(u32::MAX)
}

/// What one of the most costs beside one of the fewest.
fn growth(measured: &[(usize, Duration)]) -> f64 {
    let of = |pair: Option<&(usize, Duration)>| {
        pair.map_or(1.0, |(count, time)| each(*count, *time).as_secs_f64())
    };
    of(measured.last()) / of(measured.first())
}

fn us(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
