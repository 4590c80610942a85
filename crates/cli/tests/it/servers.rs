//! `get` from servers that are not ours: nginx, Apache httpd, Python's http.server. And `serve`, seen by redbot.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::world::{Signal, World, noise};

/// Reports that a test cannot run here (CONTRIBUTING.md, "Skips").
#[allow(clippy::disallowed_methods, reason = "tests have no `main` of their own")]
pub fn skip(name: &str, why: &str) {
    use std::io::Write as _;
    let line = format!("SKIPPED {name}: {why}\n");
    if let Some(report) = std::env::var_os("HEADSTART_SKIP_REPORT") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(report);
        file.expect("a report").write_all(line.as_bytes()).expect("writable");
    }
}

/// A server of `files` in the world's folder; killed when dropped.
struct Foreign {
    child: Child,
    url: String,
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody has. Somebody may take it before the server does: then it is tried again with another.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}

fn answers(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Starts a server that is told its port; none when the program is not there.
fn started(command: impl Fn(u16) -> Command) -> Option<Foreign> {
    for _ in 0..5 {
        let port = free_port();
        let mut command = command(port);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        while child.try_wait().expect("a child").is_none() {
            if answers(port) {
                return Some(Foreign { child, url: format!("http://127.0.0.1:{port}/") });
            }
            std::thread::yield_now();
        }
    }
    None
}

fn nginx(world: &World) -> Option<Foreign> {
    let folder = world.path("nginx");
    std::fs::create_dir_all(&folder).expect("a folder");
    started(|port| {
        let shown = folder.display();
        let config = format!(
            "daemon off; master_process off; pid {shown}/pid; error_log {shown}/error.log;\n\
             events {{}}\nhttp {{ access_log off; client_body_temp_path {shown}/t; proxy_temp_path {shown}/t;\n\
             fastcgi_temp_path {shown}/t; uwsgi_temp_path {shown}/t; scgi_temp_path {shown}/t;\n\
             server {{ listen 127.0.0.1:{port}; root {}; }} }}\n",
            world.path("files").display()
        );
        std::fs::write(folder.join("nginx.conf"), config).expect("writable");
        let mut command = Command::new("nginx");
        command.arg("-c").arg(folder.join("nginx.conf")).arg("-p").arg(&folder);
        command
    })
}

fn apache(world: &World) -> Option<Foreign> {
    let modules = Path::new("/usr/lib/apache2/modules");
    if !modules.exists() {
        return None;
    }
    let folder = world.path("apache");
    std::fs::create_dir_all(&folder).expect("a folder");
    started(|port| {
        let (shown, files, modules) = (folder.display(), world.path("files"), modules.display());
        let config = format!(
            "ServerRoot {shown}\nServerName localhost\nListen 127.0.0.1:{port}\nPidFile {shown}/pid\n\
             ErrorLog {shown}/error.log\nMutex file:{shown}\n\
             LoadModule mpm_event_module {modules}/mod_mpm_event.so\n\
             LoadModule authz_core_module {modules}/mod_authz_core.so\n\
             DocumentRoot {0}\n<Directory {0}>\nRequire all granted\n</Directory>\n",
            files.display()
        );
        std::fs::write(folder.join("httpd.conf"), config).expect("writable");
        let mut command = Command::new("apache2");
        command.args(["-X", "-f"]).arg(folder.join("httpd.conf"));
        command
    })
}

fn python(world: &World) -> Option<Foreign> {
    let mut command = Command::new("python3");
    command.args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]);
    command.current_dir(world.path("files")).stdin(Stdio::null()).stderr(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
    let mut line = String::new();
    let said = child.stdout.take().expect("piped");
    BufReader::new(said).read_line(&mut line).expect("readable");
    let port = line.split(" port ").nth(1)?.split(' ').next()?.to_owned();
    Some(Foreign { child, url: format!("http://127.0.0.1:{port}/") })
}

/// Whether a server can go on where a download was.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ranges {
    Given,
    NotGiven,
}

fn files() -> (World, Vec<u8>) {
    let world = World::new();
    let bytes = noise(9, 30_000_000);
    world.write("files/large.bin", &bytes);
    world.write("files/small one.txt", "small\n");
    world.write("files/empty", "");
    (world, bytes)
}

fn check(world: &World, bytes: &[u8], server: &Foreign, ranges: Ranges) {
    let url = |name: &str| format!("{}{name}", server.url);
    // Several at once: large, small, empty.
    let all = [url("large.bin"), url("small%20one.txt"), url("empty")];
    let arguments = ["get", &all[0], &all[1], &all[2], "-C", "got"];
    let done = world.json(&arguments).succeeds().last();
    assert_eq!(done["downloads"].as_array().map(Vec::len), Some(3));
    for name in ["large.bin", "small one.txt", "empty"] {
        let (got, served) = (world.path("got").join(name), world.path("files").join(name));
        assert!(
            std::fs::read(got).expect("there") == std::fs::read(served).expect("there"),
            "{name}"
        );
    }
    world.json(&["get", &url("none")]).fails(1, "notFound", "notOnServer");
    world.json(&["get", &all[1], "-o", "x", "--size", "5"]).fails(1, "network", "badServerAnswer");
    world.json(&["get", &all[1], "-o", "x", "--sha256", &"0".repeat(64)]).fails(
        1,
        "untrusted",
        "corruptDownload",
    );
    // Killed, and gone on with.
    let limited = ["get", &all[0], "-o", "again", "--limit", "30MB", "--json"];
    let mut running = world.spawn(&limited);
    loop {
        let event: Value = serde_json::from_str(&running.line()).expect("JSON");
        assert_eq!(event["event"], "progress");
        if event["bytesDone"].as_u64().expect("a number") >= 9_000_000 {
            break;
        }
    }
    running.signal(Signal::Kill);
    running.end();
    let done = world.json(&["get", &all[0], "-o", "again"]).succeeds().last();
    assert!(std::fs::read(world.path("again")).expect("there") == bytes);
    let download = &done["downloads"][0];
    let number = |key: &str| download[key].as_u64().expect("a number");
    if ranges == Ranges::Given {
        assert!(number("resumedFrom") > 0, "{download}");
        // What is under way when one connection takes over from a slower one may come twice.
        let sum = number("bytesDown") + number("resumedFrom");
        assert!((30_000_000..31_500_000).contains(&sum), "{download}");
    } else {
        assert_eq!(number("bytesDown"), 30_000_000, "{download}");
    }
}

#[test]
fn downloads_from_nginx_arrive_and_resume() {
    let (world, bytes) = files();
    match nginx(&world) {
        Some(server) => check(&world, &bytes, &server, Ranges::Given),
        None => skip("server-nginx", "nginx is not installed"),
    }
}

#[test]
fn downloads_from_apache_arrive_and_resume() {
    let (world, bytes) = files();
    match apache(&world) {
        Some(server) => check(&world, &bytes, &server, Ranges::Given),
        None => skip("server-apache", "apache2 is not installed"),
    }
}

#[test]
fn downloads_from_python_arrive() {
    let (world, bytes) = files();
    match python(&world) {
        Some(server) => check(&world, &bytes, &server, Ranges::NotGiven),
        None => skip("server-python", "python3 is not installed"),
    }
}

#[test]
fn redbot_finds_nothing_wrong_with_ranges_and_conditions_of_serve() {
    #[allow(clippy::disallowed_methods, reason = "tests have no `main` of their own")]
    let program = std::env::var_os("HEADSTART_REDBOT").unwrap_or_else(|| "redbot".into());
    let world = World::new();
    world.write("files/large.bin", noise(3, 200_000));
    let server = world.serve(&["files"]);
    let url = format!("{}large.bin", server.url);
    let Ok(output) = Command::new(program).args(["-o", "text", &url]).output() else {
        server.stop();
        return skip("redbot", "redbot is not installed (ci/prepare.sh)");
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    server.stop();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    // What it found by requests of its own.
    for found in [
        "If-None-Match conditional requests are supported",
        "If-Modified-Since conditional requests are supported",
        "A ranged request returned the correct partial content",
        "Content-Length header is correct",
    ] {
        assert!(said.contains(found), "{found}: {said}");
    }
}
