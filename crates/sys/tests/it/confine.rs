//! What a confined program can and cannot do.

mod files;
mod handle;
mod memory;
mod processes;

use std::ffi::OsString;
use std::io::{PipeReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use headstart_sys::confine::{
    ConfineError, Confined, Confinement, End, Outcome, Program, offered, spawn, system_libraries,
};

/// Launcher and confined program.
const PROBE: &str = env!("CARGO_BIN_EXE_confine-probe");

/// A bundle that may be read, a group folder that may be changed, and a home that may not be seen.
struct World {
    folder: tempfile::TempDir,
    confinement: Confinement,
}

/// A confined program, what it says, and the service's end of its channel.
struct Running {
    confined: Confined,
    output: PipeReader,
    channel: UnixStream,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["bundle", "group", "home"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join("file"), "content").unwrap();
        }
        let mut read_execute = system_libraries();
        read_execute.push(PROBE.into());
        let confinement = Confinement {
            read_execute,
            read: vec![folder.path().join("bundle")],
            write: vec![folder.path().join("group")],
            ..Confinement::default()
        };
        Self { folder, confinement }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn start(&self, executable: &Path, arguments: &[&str]) -> Result<Running, ConfineError> {
        let (channel, theirs) = UnixStream::pair().unwrap();
        let (output, into) = std::io::pipe().unwrap();
        let program = Program {
            executable: executable.to_owned(),
            arguments: arguments.iter().map(OsString::from).collect(),
            folder: self.folder.path().join("bundle"),
            environment: vec![("LANG".into(), "C".into())],
            channel: theirs.into(),
            output: into.into(),
        };
        let confined = spawn(Path::new(PROBE), program, &self.confinement)?;
        Ok(Running { confined, output, channel })
    }

    fn probe(&self, arguments: &[&str]) -> Running {
        self.start(Path::new(PROBE), arguments).unwrap()
    }

    /// What the probe says of an attempt, and how it ended.
    fn attempt(&self, arguments: &[&str]) -> (String, End) {
        self.probe(arguments).finish()
    }

    fn says(&self, arguments: &[&str]) -> String {
        self.attempt(arguments).0
    }
}

impl Running {
    fn finish(mut self) -> (String, End) {
        let mut said = String::new();
        self.output.read_to_string(&mut said).unwrap();
        (said.trim_end().to_owned(), self.confined.wait())
    }

    fn wait_for_line(&mut self) -> String {
        let mut said = Vec::new();
        let mut byte = [0];
        while self.output.read(&mut byte).unwrap() > 0 && byte[0] != b'\n' {
            said.push(byte[0]);
        }
        String::from_utf8(said).unwrap()
    }
}

/// True, and reported, where the kernel cannot confine programs.
#[expect(clippy::disallowed_methods, reason = "where skips are reported to")]
fn skipped() -> bool {
    let offered = offered();
    if offered.landlock_abi.is_some_and(|abi| abi >= 6) && offered.seccomp {
        return false;
    }
    let line = "SKIPPED landlock: the kernel has no Landlock of version 6 or no seccomp\n";
    if let Some(report) = std::env::var_os("HEADSTART_SKIP_REPORT") {
        let mut options = std::fs::OpenOptions::new();
        let file = options.append(true).create(true).open(PathBuf::from(report));
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    true
}

#[test]
fn all_is_enforced_where_the_kernel_offers_it() {
    if skipped() {
        return;
    }
    let running = World::new().probe(&["say", "hello"]);
    let enforced = running.confined.enforced();
    assert_eq!(enforced.missing(), Vec::<&str>::new());
    assert_eq!(enforced.landlock_abi, offered().landlock_abi);
    let (said, end) = running.finish();
    assert_eq!((said.as_str(), end.outcome), ("hello", Outcome::Exit(0)));
    assert!(end.peak_resident_bytes > 0, "{end:?}");
}

#[test]
fn the_channel_carries_both_ways() {
    let mut running = World::new().probe(&["answer"]);
    running.channel.write_all(b"good morning").unwrap();
    running.channel.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    running.channel.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "you said good morning");
    assert_eq!(running.finish().0, "ok");
}

#[test]
fn a_channel_of_datagrams_is_refused() {
    let (theirs, _ours) = std::os::unix::net::UnixDatagram::pair().unwrap();
    let program = Program {
        executable: PROBE.into(),
        arguments: Vec::new(),
        folder: "/".into(),
        environment: Vec::new(),
        channel: theirs.into(),
        output: std::fs::File::open("/dev/null").unwrap().into(),
    };
    let error = spawn(Path::new(PROBE), program, &Confinement::default()).unwrap_err();
    assert!(matches!(error, ConfineError::DatagramChannel), "{error:?}");
}

#[test]
fn the_environment_is_what_was_given() {
    assert_eq!(World::new().says(&["environment"]), "LANG=C");
}

#[test]
fn only_four_descriptors_are_open() {
    use rustix::io::{FdFlags, fcntl_setfd};
    let world = World::new();
    let inheritable = std::fs::File::open(world.path("home/file")).unwrap();
    fcntl_setfd(&inheritable, FdFlags::empty()).unwrap();
    assert_eq!(world.says(&["descriptors"]), "[0, 1, 2, 3]");
}
