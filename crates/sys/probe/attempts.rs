//! What a confined program tries.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::FromRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// Runs the attempt that the arguments name.
pub(crate) fn run() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize| arguments.get(index).map_or("", String::as_str);
    let number = |index: usize| argument(index).parse::<i64>().unwrap_or(0);
    match argument(0) {
        "serve" => super::service::serve(Path::new(argument(1))),
        "measure" => {
            let times = usize::try_from(number(3)).unwrap_or(1).max(1);
            super::service::measure(Path::new(argument(1)), Path::new(argument(2)), times);
        }
        "say" => println!("{}", argument(1)),
        "read" => tell(fs::read(argument(1)).map(drop)),
        "list" => tell(fs::read_dir(argument(1)).map(drop)),
        "write" => tell(fs::write(argument(1), "written")),
        "shorten" => tell(rustix_truncate(argument(1))),
        "change-mode" => tell(fs::set_permissions(argument(1), fs::Permissions::from_mode(0o777))),
        "change-own-mode" => tell(change_own_mode(argument(1))),
        "move" => tell(fs::rename(argument(1), argument(2))),
        "run-in-place" => tell(Err(Command::new(argument(1)).args(&arguments[2..]).exec())),
        "run-beside" => tell(Command::new(argument(1)).status().map(drop)),
        "thread" => tell(thread()),
        "environment" => environment(),
        "descriptors" => {
            println!("{:?}", (0..64).filter(|number| is_open(*number)).collect::<Vec<_>>());
        }
        "answer" => tell(answer()),
        "hold" => hold(argument(1).parse().unwrap_or(0)),
        "wait" | "ignore-all-and-wait" => wait(argument(0) == "wait"),
        "call" => tell(call(&arguments[1..])),
        "map-shared" => tell(map_shared()),
        "abort" => {
            // SAFETY: sends a signal to this process.
            tell(result(i64::from(unsafe { libc::raise(i32::try_from(number(1)).unwrap_or(6)) })));
        }
        other => println!("what is {other}?"),
    }
}

fn tell(result: io::Result<()>) {
    match result {
        Ok(()) => println!("ok"),
        Err(error) => match error.raw_os_error() {
            Some(libc::EPERM) => println!("EPERM"),
            Some(libc::EACCES) => println!("EACCES"),
            Some(libc::ENOSYS) => println!("ENOSYS"),
            Some(libc::ENOMEM) => println!("ENOMEM"),
            _ => println!("{error}"),
        },
    }
}

fn result(returned: i64) -> io::Result<()> {
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A system call by its number, with numbers as arguments.
fn call(numbers: &[String]) -> io::Result<()> {
    let number = |index: usize| {
        numbers.get(index).and_then(|text| text.parse::<libc::c_long>().ok()).unwrap_or(0)
    };
    // SAFETY: the tests name calls that take numbers or addresses that are refused or empty.
    result(unsafe {
        libc::syscall(number(0), number(1), number(2), number(3), number(4), number(5), number(6))
    })
}

fn map_shared() -> io::Result<()> {
    let (access, kind) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping, which nothing else uses.
    let mapped = unsafe { libc::mmap(std::ptr::null_mut(), 1 << 20, access, kind, -1, 0) };
    result(if mapped == libc::MAP_FAILED { -1 } else { 0 })
}

fn rustix_truncate(path: &str) -> io::Result<()> {
    let path = CString::new(path)?;
    // SAFETY: the path ends with a zero.
    result(i64::from(unsafe { libc::truncate(path.as_ptr(), 0) }))
}

fn change_own_mode(path: &str) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

fn thread() -> io::Result<()> {
    let thread = std::thread::Builder::new().spawn(|| 7)?;
    match thread.join() {
        Ok(7) => Ok(()),
        _ => Err(io::ErrorKind::Other.into()),
    }
}

#[expect(clippy::disallowed_methods, reason = "what is asked for is the environment")]
fn environment() {
    for (name, value) in std::env::vars() {
        println!("{name}={value}");
    }
}

fn is_open(number: i32) -> bool {
    // SAFETY: asks about a number.
    unsafe { libc::fcntl(number, libc::F_GETFD) >= 0 }
}

fn channel() -> File {
    // SAFETY: the service promised this descriptor, and nothing else here uses it.
    unsafe { File::from_raw_fd(headstart_sys::confine::CHANNEL_DESCRIPTOR) }
}

/// Answers what comes through the channel, until it ends.
fn answer() -> io::Result<()> {
    let mut channel = channel();
    let mut asked = String::new();
    channel.read_to_string(&mut asked)?;
    channel.write_all(format!("you said {asked}").as_bytes())
}

/// Takes memory, says so, and keeps it until the channel ends.
fn hold(bytes: usize) {
    let held = vec![1_u8; bytes];
    let mut channel = channel();
    let _ = channel.write_all(b"holding\n");
    let _ = channel.read(&mut [0]);
    println!("held {}", held.iter().map(|byte| usize::from(*byte)).sum::<usize>());
}

/// Waits for ever, whatever it is asked.
fn wait(politely: bool) {
    if !politely {
        // SAFETY: ignoring a signal runs no code of ours.
        unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
    }
    println!("waiting");
    loop {
        std::thread::park();
    }
}
