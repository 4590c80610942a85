//! The table of system calls that are refused.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError,
    SeccompCmpArgLen::{self, Dword, Qword},
    SeccompCmpOp::{self, Eq, MaskedEq, Ne},
    SeccompCondition, SeccompRule,
};

/// Refused whatever the arguments.
const ALWAYS: &[i64] = &[
    // Sockets. What descriptor 3 needs (reading, writing, sending, receiving, shutting down) stays.
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_kcmp,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_setpriority,
    libc::SYS_ioprio_set,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_perf_event_open,
    // Limits are set, and stay.
    SYS_SETRLIMIT,
    // Memory that `RLIMIT_DATA` does not see, or that nobody is charged for.
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_shmdt,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // Files by path, where Landlock has no rule.
    libc::SYS_fchmodat,
    SYS_FCHMODAT2,
    libc::SYS_fchownat,
    libc::SYS_inotify_init1,
    libc::SYS_inotify_add_watch,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    // Doors into the kernel, and the machine.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    SYS_OPEN_TREE_ATTR,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_reboot,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
];

/// Extended attributes by path: they can hold content, and Landlock has no rule for them. Answered
/// as by a file system that has none, which programs that copy files expect.
pub(super) const WITHOUT_ATTRIBUTES: &[i64] = &[
    libc::SYS_getxattr,
    libc::SYS_lgetxattr,
    libc::SYS_listxattr,
    libc::SYS_llistxattr,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    SYS_GETXATTRAT,
    SYS_LISTXATTRAT,
    SYS_SETXATTRAT,
    SYS_REMOVEXATTRAT,
];

/// The older forms, which newer architectures do not have.
#[cfg(target_arch = "x86_64")]
const ALWAYS_HERE: &[i64] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_inotify_init,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_uselib,
    libc::SYS_modify_ldt,
];
#[cfg(not(target_arch = "x86_64"))]
const ALWAYS_HERE: &[i64] = &[];

// 64-bit ARM has the call, and its libc no name for it.
#[cfg(target_arch = "x86_64")]
const SYS_SETRLIMIT: i64 = libc::SYS_setrlimit;
#[cfg(not(target_arch = "x86_64"))]
const SYS_SETRLIMIT: i64 = 164;

// One number on all architectures; not every libc has the names.
const SYS_FCHMODAT2: i64 = 452;
const SYS_SETXATTRAT: i64 = 463;
const SYS_GETXATTRAT: i64 = 464;
const SYS_LISTXATTRAT: i64 = 465;
const SYS_REMOVEXATTRAT: i64 = 466;
const SYS_OPEN_TREE_ATTR: i64 = 467;

/// The kind of a mapping, and whether it has no file.
const MAPPING_KIND: u64 = 0x0f | libc::MAP_ANONYMOUS as u64;
const MAP_GROWSDOWN: u64 = libc::MAP_GROWSDOWN as u64;
const SHARED_WITHOUT_FILE: u64 = libc::MAP_SHARED as u64 | libc::MAP_ANONYMOUS as u64;

/// The kind of a socket, without the flags that come in the same number.
const SOCKET_KIND: u64 = 0x0f;
const SOCKETS_OF_DATAGRAMS: [u64; 2] = [libc::SOCK_DGRAM as u64, libc::SOCK_RAW as u64];

/// Not every libc has the name.
const F_SETOWN_EX: u64 = 15;

/// Requests to a descriptor that name a process to be signalled, or type into a terminal.
const REFUSED_IOCTLS: [u64; 4] = [
    0x8901, // FIOSETOWN
    0x8902, // SIOCSPGRP
    0x5412, // TIOCSTI
    0x541c, // TIOCLINUX
];

/// Snapshots and parts of a btrfs, made and removed through a folder that may be opened. Landlock does not see them, and older
/// kernels take any folder of the same owner as the source: a snapshot of the whole home in a granted folder could be read.
/// Sharing blocks between files (`FICLONE`) has other numbers.
const REFUSED_BTRFS: [u64; 6] = [
    0x5000_9401, // BTRFS_IOC_SNAP_CREATE
    0x5000_940e, // BTRFS_IOC_SUBVOL_CREATE
    0x5000_940f, // BTRFS_IOC_SNAP_DESTROY
    0x5000_9417, // BTRFS_IOC_SNAP_CREATE_V2
    0x5000_9418, // BTRFS_IOC_SUBVOL_CREATE_V2
    0x5000_943f, // BTRFS_IOC_SNAP_DESTROY_V2
];

/// The rules of the filter that refuses.
pub(super) struct Refused {
    rules: BTreeMap<i64, Vec<SeccompRule>>,
}

impl Refused {
    pub(super) fn new(
        own: u32,
        signals_kept: bool,
        socket_pairs: bool,
    ) -> Result<Self, BackendError> {
        let mut refused = Self { rules: BTreeMap::new() };
        for call in ALWAYS.iter().chain(ALWAYS_HERE) {
            refused.always(*call);
        }
        refused.processes(own)?;
        refused.signals(own, signals_kept)?;
        refused.memory()?;
        refused.files()?;
        if socket_pairs {
            refused.when(libc::SYS_socketpair, &[(0, Dword, Ne, libc::AF_UNIX as u64)])?;
            for kind in SOCKETS_OF_DATAGRAMS {
                let condition = (1, Dword, MaskedEq(SOCKET_KIND), kind);
                refused.when(libc::SYS_socketpair, &[condition])?;
            }
        } else {
            refused.always(libc::SYS_socketpair);
        }
        Ok(refused)
    }

    pub(super) fn into_rules(self) -> BTreeMap<i64, Vec<SeccompRule>> {
        self.rules
    }

    /// Threads are made, processes are not; what other processes may use is asked, not set.
    fn processes(&mut self, own: u32) -> Result<(), BackendError> {
        self.when(libc::SYS_clone, &[(0, Qword, MaskedEq(libc::CLONE_THREAD as u64), 0)])?;
        // Setting a limit, and asking for another's.
        self.when(libc::SYS_prlimit64, &[(2, Qword, Ne, 0)])?;
        self.when(libc::SYS_prlimit64, &[(0, Dword, Ne, 0), (0, Dword, Ne, u64::from(own))])?;
        for call in [
            libc::SYS_sched_setscheduler,
            libc::SYS_sched_setparam,
            libc::SYS_sched_setattr,
            libc::SYS_sched_setaffinity,
        ] {
            self.when(call, &[(0, Dword, Ne, 0), (0, Dword, Ne, u64::from(own))])?;
        }
        // It would outlive the service.
        self.when(libc::SYS_prctl, &[(0, Dword, Eq, libc::PR_SET_PDEATHSIG as u64)])
    }

    /// Signals go to this process. A thread alone, without its process, is named by `tkill` only:
    /// that is allowed where Landlock looks at it.
    fn signals(&mut self, own: u32, kept: bool) -> Result<(), BackendError> {
        let other = (0, Dword, Ne, u64::from(own));
        self.when(libc::SYS_kill, &[other.clone(), (0, Dword, Ne, 0)])?;
        for call in [libc::SYS_tgkill, libc::SYS_rt_sigqueueinfo, libc::SYS_rt_tgsigqueueinfo] {
            self.when(call, std::slice::from_ref(&other))?;
        }
        if !kept {
            self.always(libc::SYS_tkill);
        }
        for request in REFUSED_IOCTLS.into_iter().chain(REFUSED_BTRFS) {
            self.when(libc::SYS_ioctl, &[(1, Dword, Eq, request)])?;
        }
        for command in [libc::F_SETOWN as u64, F_SETOWN_EX] {
            self.when(libc::SYS_fcntl, &[(1, Dword, Eq, command)])?;
        }
        Ok(())
    }

    /// Shared memory without a file is not counted by `RLIMIT_DATA`, nor is a mapping of the kind
    /// that stacks have (its limit holds for growing alone); larger pipes are counted by nothing.
    fn memory(&mut self) -> Result<(), BackendError> {
        let shared = (3, Qword, MaskedEq(MAPPING_KIND), SHARED_WITHOUT_FILE);
        self.when(libc::SYS_mmap, &[shared])?;
        let growing = (3, Qword, MaskedEq(MAP_GROWSDOWN), MAP_GROWSDOWN);
        self.when(libc::SYS_mmap, &[growing])?;
        self.when(libc::SYS_fcntl, &[(1, Dword, Eq, libc::F_SETPIPE_SZ as u64)])
    }

    /// Times by path; by descriptor (then there is no path) they may be set.
    fn files(&mut self) -> Result<(), BackendError> {
        self.when(libc::SYS_utimensat, &[(1, Qword, Ne, 0)])
    }

    fn always(&mut self, call: i64) {
        self.rules.insert(call, Vec::new());
    }

    /// Refuses a call when all conditions hold: number of the argument, its width, how it is
    /// compared, with what.
    fn when(
        &mut self,
        call: i64,
        conditions: &[(u8, SeccompCmpArgLen, SeccompCmpOp, u64)],
    ) -> Result<(), BackendError> {
        let conditions: Result<Vec<_>, _> = conditions
            .iter()
            .map(|(argument, width, comparison, value)| {
                SeccompCondition::new(*argument, width.clone(), comparison.clone(), *value)
            })
            .collect();
        self.rules.entry(call).or_default().push(SeccompRule::new(conditions?)?);
        Ok(())
    }
}
