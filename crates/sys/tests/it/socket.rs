use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::net::Shutdown;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[cfg(target_os = "linux")]
use headstart_sys::socket::identify_peer;
use headstart_sys::socket::{
    Listener, PATH_LIMIT_BYTES, SocketError, Stream, connect, inherited, receive,
    send_with_descriptor,
};

use crate::child;

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    (folder, path)
}

/// A socket on which nobody listens, as a killed service leaves it. It never listened, since a
/// child that another test starts at this moment would listen on for an instant.
fn leave_stale_socket(path: &Path) {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, socket};

    let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
}

#[test]
fn a_connection_carries_bytes_and_only_the_owner_connects() {
    let (_folder, path) = place();
    let listener = Listener::bind(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut client = connect(&path).unwrap();
    let mut server = listener.accept().unwrap();
    client.write_all(b"hello").unwrap();
    drop(client);
    let mut text = String::new();
    server.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
}

#[test]
fn nobody_listens_before_and_after() {
    let (_folder, path) = place();
    let nobody = |path: &Path| matches!(connect(path), Err(SocketError::NobodyListens { .. }));
    assert!(nobody(&path));
    let listener = Listener::bind(&path).unwrap();
    assert!(!nobody(&path));
    drop(listener);
    assert!(nobody(&path));
    assert!(!path.exists());
}

#[test]
fn a_live_socket_is_refused_whoever_made_it() {
    let (_folder, path) = place();
    let ours = Listener::bind(&path).unwrap();
    assert!(matches!(Listener::bind(&path), Err(SocketError::InUse { .. })));
    drop(ours);
    // As a service manager does it: without our lock.
    let _foreign = UnixListener::bind(&path).unwrap();
    assert!(matches!(Listener::bind(&path), Err(SocketError::InUse { .. })));
    assert!(connect(&path).is_ok());
}

#[test]
fn a_live_socket_with_a_full_backlog_is_live() {
    let (_folder, path) = place();
    let foreign = UnixListener::bind(&path).unwrap();
    rustix::net::listen(&foreign, 0).unwrap();
    let _waiting = connect(&path).unwrap();
    assert!(matches!(Listener::bind(&path), Err(SocketError::InUse { .. })));
}

#[test]
fn a_stale_socket_is_replaced() {
    let (_folder, path) = place();
    leave_stale_socket(&path);
    assert!(path.exists());
    let listener = Listener::bind(&path).unwrap();
    assert!(connect(&path).is_ok());
    drop(listener);
}

#[test]
fn of_many_that_bind_at_once_one_wins() {
    let (_folder, path) = place();
    leave_stale_socket(&path);
    let barrier = std::sync::Barrier::new(8);
    let listeners: Vec<_> = std::thread::scope(|scope| {
        let attempt = || {
            barrier.wait();
            Listener::bind(&path)
        };
        let attempts: Vec<_> = (0..8).map(|_| scope.spawn(attempt)).collect();
        attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect()
    });
    assert_eq!(listeners.iter().filter(|listener| listener.is_ok()).count(), 1);
    assert!(connect(&path).is_ok());
}

#[test]
fn what_is_no_socket_is_not_removed() {
    let (_folder, path) = place();
    fs::write(&path, "mine").unwrap();
    assert!(matches!(Listener::bind(&path), Err(SocketError::NotASocket { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"mine");
}

#[test]
fn a_socket_that_took_the_place_of_ours_is_left_alone() {
    let (_folder, path) = place();
    let ours = Listener::bind(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    drop(ours);
    assert!(connect(&path).is_ok());
}

#[test]
fn a_socket_that_was_taken_away_is_noticed_and_can_be_made_again() {
    let (_folder, path) = place();
    let (_listener, claim) = Listener::bind(&path).unwrap().into_parts();
    assert!(claim.is_in_place());
    std::fs::remove_file(&path).unwrap();
    assert!(!claim.is_in_place());
    drop(claim);
    let again = Listener::bind(&path).unwrap();
    connect(&path).unwrap();
    drop(again);
}

#[test]
fn the_path_stays_claimed_while_a_runtime_has_the_listener() {
    let (_folder, path) = place();
    let (listener, claim) = Listener::bind(&path).unwrap().into_parts();
    assert!(connect(&path).is_ok());
    drop(listener);
    assert!(matches!(Listener::bind(&path), Err(SocketError::InUse { .. })));
    drop(claim);
    assert!(Listener::bind(&path).is_ok());
}

#[test]
fn the_longest_path_works_and_one_byte_more_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let room = PATH_LIMIT_BYTES - folder.path().as_os_str().len() - 1;
    let path = folder.path().join("x".repeat(room));
    let _listener = Listener::bind(&path).unwrap();
    assert!(connect(&path).is_ok());
    let longer = folder.path().join("x".repeat(room + 1));
    assert!(matches!(Listener::bind(&longer), Err(SocketError::PathTooLong { .. })));
    assert!(matches!(connect(&longer), Err(SocketError::PathTooLong { .. })));
}

/// The child: connects to the socket that is its task.
fn connect_and_send_a_file(socket: &Path) {
    let mut stream = connect(socket).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"what the file holds").unwrap();
    assert_eq!(send_with_descriptor(&stream, b"file", file.as_fd()).unwrap(), 4);
    // Until the parent has looked.
    stream.read_to_end(&mut Vec::new()).unwrap();
}

/// Lets a child of `test` connect, run by the program at `program`, and shows its connection to `look`.
fn with_child(test: &str, program: &Path, look: impl FnOnce(&Stream, u32)) {
    let (_folder, path) = place();
    let listener = Listener::bind(&path).unwrap();
    let mut child =
        child::command_of(program.to_owned(), test, &path).stdout(Stdio::null()).spawn().unwrap();
    let mut stream = listener.accept().unwrap();
    look(&stream, child.id());
    stream.shutdown(Shutdown::Write).unwrap();
    // What is left unread would turn the end into a reset.
    stream.read_to_end(&mut Vec::new()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// Copied by another process: a child that another test starts at this moment would inherit our
/// descriptor for writing, and the system runs no program that is open for writing.
#[cfg(target_os = "linux")]
fn copy_of_this_program(to: &Path) {
    let own = std::env::current_exe().unwrap();
    assert!(Command::new("/bin/cp").arg(own).arg(to).status().unwrap().success());
}

#[test]
fn a_descriptor_travels_to_another_process() {
    if let Some(socket) = child::task() {
        return connect_and_send_a_file(&socket);
    }
    let test = "socket::a_descriptor_travels_to_another_process";
    with_child(test, &std::env::current_exe().unwrap(), |stream, _| {
        let mut buffer = [0; 16];
        let received = receive(stream, &mut buffer).unwrap();
        assert_eq!(&buffer[..received.length], b"file");
        let descriptor = received.descriptor.unwrap();
        let flags = rustix::io::fcntl_getfd(&descriptor).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        let mut file = File::from(descriptor);
        file.rewind().unwrap();
        let mut content = String::new();
        file.read_to_string(&mut content).unwrap();
        assert_eq!(content, "what the file holds");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn the_peer_is_who_the_kernel_says() {
    if let Some(socket) = child::task() {
        return connect_and_send_a_file(&socket);
    }
    let test = "socket::the_peer_is_who_the_kernel_says";
    let own = std::env::current_exe().unwrap().canonicalize().unwrap();
    with_child(test, &own, |stream, pid| {
        let peer = identify_peer(stream).unwrap();
        assert_eq!(peer.uid, rustix::process::geteuid().as_raw());
        assert_eq!(peer.pid, Some(pid));
        assert_eq!(peer.executable.as_deref(), Some(own.as_path()));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_was_replaced_while_it_runs_is_known_by_its_path() {
    if let Some(socket) = child::task() {
        return connect_and_send_a_file(&socket);
    }
    let test = "socket::a_program_that_was_replaced_while_it_runs_is_known_by_its_path";
    let folder = tempfile::tempdir().unwrap();
    let folder_path = folder.path().canonicalize().unwrap();
    let program = folder_path.join("game");
    copy_of_this_program(&program);
    with_child(test, &program, |stream, _| {
        fs::write(folder_path.join("update"), "the next version").unwrap();
        fs::rename(folder_path.join("update"), &program).unwrap();
        assert_eq!(identify_peer(stream).unwrap().executable, Some(program.clone()));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_whose_name_says_deleted_is_not_taken_for_another() {
    if let Some(socket) = child::task() {
        return connect_and_send_a_file(&socket);
    }
    let test = "socket::a_program_whose_name_says_deleted_is_not_taken_for_another";
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().canonicalize().unwrap().join("game (deleted)");
    copy_of_this_program(&program);
    with_child(test, &program, |stream, _| {
        assert_eq!(identify_peer(stream).unwrap().executable, Some(program.clone()));
    });
}

/// The child: connects to the socket that is its task, and ends without closing the connection.
#[cfg(target_os = "linux")]
fn connect_and_leave_the_connection_to_another(socket: &Path) {
    let stream = connect(socket).unwrap();
    // The heir keeps the connection open until its own input ends, long after this process.
    let mut heir = Command::new("/bin/cat");
    heir.stdin(Stdio::inherit()).stdout(Stdio::from(OwnedFd::from(stream)));
    drop(heir.spawn().unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_ended_has_no_executable() {
    if let Some(socket) = child::task() {
        return connect_and_leave_the_connection_to_another(&socket);
    }
    let (_folder, path) = place();
    let listener = Listener::bind(&path).unwrap();
    let name = "socket::a_process_that_ended_has_no_executable";
    let mut child =
        child::command(name, &path).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut stream = listener.accept().unwrap();
    let heirs_input = child.stdin.take();
    assert!(child.wait().unwrap().success());
    let peer = identify_peer(&stream).unwrap();
    assert_eq!((peer.pid, peer.executable), (Some(child.id()), None));
    drop(heirs_input);
    // The end of the heir.
    stream.read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn bytes_without_a_descriptor_bring_none_and_the_end_is_an_end() {
    let (mut one, other) = Stream::pair().unwrap();
    one.write_all(b"plain").unwrap();
    let mut buffer = [0; 16];
    let received = receive(&other, &mut buffer).unwrap();
    assert_eq!((received.length, received.descriptor.is_some()), (5, false));
    drop(one);
    assert_eq!(receive(&other, &mut buffer).unwrap().length, 0);
}

#[test]
fn a_non_blocking_socket_says_would_block() {
    let (one, other) = Stream::pair().unwrap();
    one.set_nonblocking(true).unwrap();
    let error = receive(&one, &mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    let file = tempfile::tempfile().unwrap();
    let bytes = vec![0; 1 << 16];
    let error = loop {
        if let Err(error) = send_with_descriptor(&one, &bytes, file.as_fd()) {
            break error;
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    drop(other);
}

#[test]
fn a_descriptor_does_not_travel_alone_nor_to_nobody() {
    let (one, other) = Stream::pair().unwrap();
    let file = tempfile::tempfile().unwrap();
    let error = send_with_descriptor(&one, b"", file.as_fd()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    // Not only dropped: a child that another test starts at this moment holds it for an instant.
    other.shutdown(Shutdown::Both).unwrap();
    let error = send_with_descriptor(&one, b"x", file.as_fd()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn more_descriptors_than_one_are_refused_and_closed() {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

    for count in [2, 3, 200] {
        let (one, other) = Stream::pair().unwrap();
        let (mut reading, writing) = io::pipe().unwrap();
        let descriptors = vec![writing.as_fd(); count];
        let mut space = vec![std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(200))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
        sendmsg(&one, &[io::IoSlice::new(b"x")], &mut control, SendFlags::empty()).unwrap();
        let error = receive(&other, &mut [0; 1]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        // All write ends are closed but ours: closing that one ends the pipe.
        drop(descriptors);
        drop(writing);
        assert_eq!(reading.read(&mut [0; 1]).unwrap(), 0);
    }
}

#[test]
fn the_service_managers_listener_is_taken_only_if_there_is_one() {
    assert!(Listener::activated().unwrap().is_none());
}

/// The child: serves one connection on the socket that was passed on; its task is the path of it.
fn serve_the_service_managers_listener(path: &Path) {
    let listener = Listener::activated().unwrap().unwrap();
    assert!(Listener::activated().unwrap().is_none());
    listener.accept().unwrap().write_all(b"activated").unwrap();
    drop(listener);
    assert!(path.exists(), "the service manager's socket stays");
}

#[test]
fn a_socket_of_the_service_manager_is_served_and_left() {
    if let Some(path) = child::task() {
        return serve_the_service_managers_listener(&path);
    }
    let (_folder, path) = place();
    let foreign = UnixListener::bind(&path).unwrap();
    let child = child::command("socket::a_socket_of_the_service_manager_is_served_and_left", &path);
    // The shell puts the socket at the place of the first descriptor that is passed on.
    let script = r#"exec 3<&0; LISTEN_PID=$$; export LISTEN_PID; exec "$@""#;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, "sh"]).arg(child.get_program()).args(child.get_args());
    command.env("LISTEN_FDS", "1").env(child::TASK, &path);
    let mut child = command.stdin(OwnedFd::from(foreign)).stdout(Stdio::null()).spawn().unwrap();
    let mut stream = connect(&path).unwrap();
    // From here on the child alone listens: if it fails, the connection ends.
    drop(command);
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert_eq!(text, "activated");
    assert!(child.wait().unwrap().success());
    assert!(path.exists());
}

#[test]
fn a_socket_that_was_inherited_is_found_by_its_number() {
    use std::os::fd::AsRawFd as _;

    let (ours, mut theirs) = Stream::pair().unwrap();
    rustix::io::fcntl_setfd(&ours, rustix::io::FdFlags::empty()).unwrap();
    let mut found = inherited(ours.as_raw_fd()).unwrap();
    found.write_all(b"x").unwrap();
    let mut byte = [0];
    theirs.read_exact(&mut byte).unwrap();
    assert_eq!(byte, *b"x");
    let flags = rustix::io::fcntl_getfd(&ours).unwrap();
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC), "programs started later lack it");
}

#[test]
fn a_number_of_nothing_or_of_a_file_is_refused() {
    use std::os::fd::AsRawFd as _;

    assert!(inherited(-1).is_err());
    let file = tempfile::tempfile().unwrap();
    assert!(inherited(file.as_raw_fd()).is_err());
}
