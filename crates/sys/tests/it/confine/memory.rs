use std::io::Read as _;

use headstart_sys::confine::{ANONYMOUS_MEMORY_BYTES, Outcome};

use super::{World, skipped};

#[test]
fn a_gigabyte_is_refused() {
    let (said, end) = World::new().attempt(&["hold", "1073741824"]);
    assert!(said.contains("memory allocation of 1073741824 bytes failed"), "{said}");
    assert_eq!(end.outcome, Outcome::Signal(libc::SIGABRT));
}

#[test]
fn what_it_uses_is_seen_and_remembered() {
    let mut running = World::new().probe(&["hold", "20971520"]);
    let mut said = [0; 8];
    running.channel.read_exact(&mut said).unwrap();
    let usage = running.confined.usage().unwrap();
    assert!(usage.anonymous_bytes > ANONYMOUS_MEMORY_BYTES, "{usage:?}");
    assert!(usage.anonymous_bytes < 2 * ANONYMOUS_MEMORY_BYTES, "{usage:?}");
    assert_eq!(usage.peak_anonymous_bytes, usage.anonymous_bytes);
    assert_eq!(usage.threads, 1);
    running.confined.kill();
    let end = running.confined.wait();
    assert_eq!(end.outcome, Outcome::Signal(libc::SIGKILL));
    assert_eq!(end.peak_anonymous_bytes, usage.anonymous_bytes);
    assert!(end.peak_resident_bytes >= usage.anonymous_bytes, "{end:?}");
    assert!(end.processor_time >= usage.processor_time, "{end:?} {usage:?}");
    assert_eq!(running.confined.usage(), None);
}

#[test]
fn shared_memory_is_no_way_around_the_limit() {
    if skipped() {
        return;
    }
    let world = World::new();
    assert_eq!(world.says(&["map-shared"]), "EPERM");
    for call in
        [libc::SYS_memfd_create, libc::SYS_memfd_secret, libc::SYS_shmget, libc::SYS_mq_open]
    {
        assert_eq!(world.says(&["call", &call.to_string()]), "EPERM");
    }
    assert_eq!(world.says(&["write", "/dev/shm/headstart-probe"]), "EACCES");
    assert_eq!(world.says(&["read", "/dev/zero"]), "EACCES");
    let stack = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_GROWSDOWN;
    let (mmap, stack) = (libc::SYS_mmap.to_string(), stack.to_string());
    assert_eq!(world.says(&["call", &mmap, "0", "1073741824", "3", &stack, "-1", "0"]), "EPERM");
    let larger_pipe = libc::F_SETPIPE_SZ.to_string();
    let fcntl = libc::SYS_fcntl.to_string();
    assert_eq!(world.says(&["call", &fcntl, "1", &larger_pipe, "1048576"]), "EPERM");
}
