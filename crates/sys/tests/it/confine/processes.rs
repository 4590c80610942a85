use std::io::Read as _;
use std::process::{Command, Stdio};

use headstart_sys::confine::Outcome;

use super::{PROBE, World, skipped};

/// A system call that the probe makes with numbers as arguments.
fn call(world: &World, number: i64, arguments: &[i64]) -> String {
    let mut words = vec!["call".to_owned(), number.to_string()];
    words.extend(arguments.iter().map(i64::to_string));
    world.says(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn there_is_no_socket_of_any_kind() {
    if skipped() {
        return;
    }
    let world = World::new();
    for family in [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK, libc::AF_VSOCK] {
        let socket = [i64::from(family), i64::from(libc::SOCK_STREAM), 0];
        assert_eq!(call(&world, libc::SYS_socket, &socket), "EPERM", "{family}");
    }
    // The channel cannot be turned to somebody else.
    assert_eq!(call(&world, libc::SYS_connect, &[3, 0, 0]), "EPERM");
    assert_eq!(call(&world, libc::SYS_listen, &[3, 1]), "EPERM");
    assert_eq!(call(&world, libc::SYS_io_uring_setup, &[1, 0]), "EPERM");
}

#[test]
fn pairs_of_stream_sockets_are_made_if_granted() {
    if skipped() {
        return;
    }
    let mut world = World::new();
    let pair = [i64::from(libc::AF_UNIX), i64::from(libc::SOCK_STREAM), 0, 0];
    let datagrams = [i64::from(libc::AF_UNIX), i64::from(libc::SOCK_DGRAM), 0, 0];
    assert_eq!(call(&world, libc::SYS_socketpair, &pair), "EPERM");
    world.confinement.socket_pairs = true;
    // The kernel gets as far as the address for the result, which is none.
    assert!(call(&world, libc::SYS_socketpair, &pair).contains("Bad address"));
    assert_eq!(call(&world, libc::SYS_socketpair, &datagrams), "EPERM");
}

#[test]
fn threads_are_made_and_processes_are_not() {
    if skipped() {
        return;
    }
    let world = World::new();
    assert_eq!(world.says(&["thread"]), "ok");
    assert_eq!(world.says(&["run-beside", "/bin/true"]), "EPERM");
    assert_eq!(call(&world, libc::SYS_clone, &[i64::from(libc::SIGCHLD)]), "EPERM");
    assert_eq!(call(&world, libc::SYS_clone3, &[0, 0]), "ENOSYS");
    #[cfg(target_arch = "x86_64")]
    for fork in [libc::SYS_fork, libc::SYS_vfork] {
        assert_eq!(call(&world, fork, &[]), "EPERM");
    }
}

#[test]
fn other_processes_are_out_of_reach() {
    if skipped() {
        return;
    }
    let world = World::new();
    let other = i64::from(std::process::id());
    let stop = i64::from(libc::SIGSTOP);
    assert_eq!(call(&world, libc::SYS_kill, &[other, stop]), "EPERM");
    assert_eq!(call(&world, libc::SYS_kill, &[-1, stop]), "EPERM");
    assert_eq!(call(&world, libc::SYS_tkill, &[other, stop]), "EPERM");
    assert_eq!(call(&world, libc::SYS_tgkill, &[other, other, stop]), "EPERM");
    assert_eq!(call(&world, libc::SYS_ptrace, &[libc::PTRACE_SEIZE.into(), other]), "EPERM");
    assert_eq!(call(&world, libc::SYS_process_vm_readv, &[other, 0, 0, 0, 0, 0]), "EPERM");
    assert_eq!(call(&world, libc::SYS_pidfd_open, &[other, 0]), "EPERM");
    assert_eq!(call(&world, libc::SYS_setpriority, &[0, other, 19]), "EPERM");
    assert_eq!(call(&world, libc::SYS_fcntl, &[3, libc::F_SETOWN.into(), other]), "EPERM");
}

#[test]
fn no_snapshot_is_made_and_blocks_may_be_shared() {
    if skipped() {
        return;
    }
    let world = World::new();
    let snapshots = [0x5000_9401, 0x5000_940e, 0x5000_940f, 0x5000_9417, 0x5000_9418, 0x5000_943f];
    for request in snapshots {
        assert_eq!(call(&world, libc::SYS_ioctl, &[1, request, 0]), "EPERM", "{request:x}");
    }
    let share_blocks = 0x4004_9409;
    assert_ne!(call(&world, libc::SYS_ioctl, &[1, share_blocks, 0]), "EPERM");
}

#[test]
fn it_may_signal_itself() {
    let end = World::new().attempt(&["abort", &libc::SIGABRT.to_string()]).1;
    assert_eq!(end.outcome, Outcome::Signal(libc::SIGABRT));
}

#[test]
fn calls_of_another_kind_end_it_and_unknown_ones_are_not_there() {
    if skipped() {
        return;
    }
    let world = World::new();
    assert_eq!(call(&world, 2000, &[]), "ENOSYS");
    #[cfg(target_arch = "x86_64")]
    {
        let x32 = (0x4000_0000 + libc::SYS_getpid).to_string();
        let end = world.attempt(&["call", &x32]).1;
        assert_eq!(end.outcome, Outcome::Signal(libc::SIGSYS));
    }
}

#[test]
fn limits_and_the_tie_to_the_service_cannot_be_undone() {
    if skipped() {
        return;
    }
    let world = World::new();
    // The address is never read: the call is refused before.
    let limit = [0, i64::from(libc::RLIMIT_DATA), 1, 0];
    assert_eq!(call(&world, libc::SYS_prlimit64, &limit), "EPERM");
    #[cfg(target_arch = "x86_64")]
    assert_eq!(call(&world, libc::SYS_setrlimit, &limit[1..]), "EPERM");
    assert_eq!(call(&world, libc::SYS_prctl, &[libc::PR_SET_PDEATHSIG.into(), 0]), "EPERM");
}

#[test]
fn it_ends_with_a_service_that_is_killed() {
    if skipped() {
        return;
    }
    let mut service = Command::new(PROBE)
        .args(["serve", PROBE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = service.stdout.take().unwrap();
    let mut said = [0; 8];
    output.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"waiting\n");
    service.kill().unwrap();
    service.wait().unwrap();
    // The pipe ends when nobody has it any more: neither the service nor the program.
    assert_eq!(output.read(&mut said).unwrap(), 0);
}
