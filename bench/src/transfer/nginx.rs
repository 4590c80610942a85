//! nginx, which serves every tool and counts what it sends.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::link::Side;
use super::timed::pause;
use crate::error::BenchError;
use crate::run;

/// A server of one folder; stopped when dropped.
#[derive(Debug)]
pub(super) struct Nginx {
    child: Child,
    log: PathBuf,
    pub(super) url: String,
}

impl Nginx {
    /// Serves `root`. Under `paced/` each connection gets 4 MB/s.
    pub(super) fn start(side: Side, folder: &Path, root: &Path) -> Result<Self, BenchError> {
        let port = free_port()?;
        let (address, log) = (side.address(), folder.join("access.log"));
        let shown = |path: &Path| path.display().to_string();
        let config = format!(
            "daemon off; worker_processes 1; pid {pid}; error_log {errors} crit;\n\
             events {{ worker_connections 1024; }}\n\
             http {{\n sendfile on; tcp_nopush on; keepalive_requests 1000000;\n\
             log_format bytes '$body_bytes_sent'; access_log {log} bytes;\n\
             client_body_temp_path {tmp}; proxy_temp_path {tmp}; fastcgi_temp_path {tmp};\n\
             uwsgi_temp_path {tmp}; scgi_temp_path {tmp};\n\
             server {{ listen {address}:{port}; root {root};\n\
             location /paced/ {{ alias {root}/; limit_rate 4m; }} }} }}\n",
            pid = shown(&folder.join("nginx.pid")),
            errors = shown(&folder.join("error.log")),
            log = shown(&log),
            tmp = shown(&folder.join("nginx-tmp")),
            root = shown(root),
        );
        let path = folder.join("nginx.conf");
        run::write(&path, config.as_bytes())?;
        let mut command = side.command("nginx");
        command.arg("-c").arg(&path).arg("-p").arg(folder).arg("-g").arg("user root;");
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .map_err(|source| BenchError::Start { program: "nginx".to_owned(), source })?;
        let nginx = Self { child, log, url: format!("http://{address}:{port}/") };
        nginx.wait(side)?;
        Ok(nginx)
    }

    fn wait(&self, side: Side) -> Result<(), BenchError> {
        let started = Instant::now();
        loop {
            let mut probe = side.command("curl");
            let answered = run::run(probe.args(["-s", "-o", "/dev/null", &self.url])).is_ok();
            if answered {
                return Ok(());
            }
            if started.elapsed() > Duration::from_secs(10) {
                return Err(run::silent(&probe, "that nginx answers"));
            }
            pause(Duration::from_millis(20));
        }
    }

    /// Bytes of all bodies that were sent since the last call.
    pub(super) fn take_sent_bytes(&self) -> Result<u64, BenchError> {
        // A request that was broken off is noted when nginx has noticed.
        let mut last = None;
        loop {
            let text = std::fs::read_to_string(&self.log).map_err(BenchError::file(&self.log))?;
            if last.as_ref() == Some(&text) {
                std::fs::write(&self.log, "").map_err(BenchError::file(&self.log))?;
                return Ok(text.lines().filter_map(|line| line.parse::<u64>().ok()).sum());
            }
            last = Some(text);
            pause(Duration::from_millis(1500));
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGTERM, so that its workers end too.
        let kill = format!("kill {}", self.child.id());
        let _ = run::run(std::process::Command::new("sh").args(["-c", &kill]));
        let _ = self.child.wait();
    }
}

/// A port that nobody has at the moment.
fn free_port() -> Result<u16, BenchError> {
    let listener =
        std::net::TcpListener::bind("127.0.0.1:0").map_err(BenchError::file("127.0.0.1:0"))?;
    listener.local_addr().map(|address| address.port()).map_err(BenchError::file("127.0.0.1:0"))
}
