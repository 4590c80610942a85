//! seccomp: which system calls.
//!
//! Four filters; the strictest answer counts. One ends the process for calls of another
//! architecture or the 32-bit kind of this one, and hides calls that are newer than the table here.
//! One hides `clone3`, whose flags no filter can see, so that libraries fall back to `clone`. One
//! answers for extended attributes. One refuses, with `EPERM`, what [`Refused`] lists.

mod refused;

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompFilter, TargetArch, apply_filter,
    sock_filter,
};

use refused::{Refused, WITHOUT_ATTRIBUTES};

/// The last system call that was looked at when this was written (`open_tree_attr` of Linux 6.15).
/// From 424 on they have the same numbers on all architectures.
const LAST_KNOWN_CALL: u32 = 467;

/// From here on lie the calls of the x32 kind of x86-64.
const X32_CALLS: u32 = 0x4000_0000;

/// True if this kernel filters system calls, and the architecture is one that filters are written
/// for. Asked of the kernel itself, because `/proc` may be closed: a filter at no address is
/// refused as a bad address only by a kernel that would have read it.
#[expect(unsafe_code, reason = "rustix cannot ask for a filter at no address")]
pub(super) fn offered() -> bool {
    let mode = libc::c_ulong::from(libc::SECCOMP_MODE_FILTER);
    let nothing = std::ptr::null::<libc::c_void>();
    // SAFETY: the kernel reads the filter with care and finds none.
    let asked = unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, nothing) };
    architecture().is_some()
        && asked < 0
        && std::io::Error::last_os_error().raw_os_error() == Some(libc::EFAULT)
}

/// Applies the filters. `own` is the number of this process, `signals_kept` says that Landlock
/// keeps signals within, `socket_pairs` as in [`Confinement`](super::super::Confinement).
/// False on an architecture that no filter is written for.
pub(super) fn restrict(own: u32, signals_kept: bool, socket_pairs: bool) -> Result<bool, Error> {
    let Some(architecture) = architecture() else { return Ok(false) };
    let hidden = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let attributes = WITHOUT_ATTRIBUTES.iter().map(|call| (*call, Vec::new())).collect();
    let refused = Refused::new(own, signals_kept, socket_pairs)?.into_rules();
    let hide = compile(hidden, libc::ENOSYS, architecture)?;
    let lack = compile(attributes, libc::EOPNOTSUPP, architecture)?;
    let refuse = compile(refused, libc::EPERM, architecture)?;
    for filter in [&edges(), &hide, &lack, &refuse] {
        apply_filter(filter)?;
    }
    Ok(true)
}

/// The architecture by the name that the compiler has for it.
fn architecture() -> Option<TargetArch> {
    TargetArch::try_from(std::env::consts::ARCH).ok()
}

fn compile(
    rules: BTreeMap<i64, Vec<seccompiler::SeccompRule>>,
    answer: i32,
    architecture: TargetArch,
) -> Result<BpfProgram, BackendError> {
    let answer = SeccompAction::Errno(answer.cast_unsigned());
    SeccompFilter::new(rules, SeccompAction::Allow, answer, architecture)?.try_into()
}

/// Ends the process for an x32 call, and hides calls that nobody has looked at. Calls of another
/// architecture end it in the other filters.
fn edges() -> BpfProgram {
    let load_number = step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0);
    let answer = |answer| step(libc::BPF_RET | libc::BPF_K, answer);
    vec![
        load_number,
        jump(libc::BPF_JGE, X32_CALLS, 2),
        jump(libc::BPF_JGT, LAST_KNOWN_CALL, 2),
        answer(libc::SECCOMP_RET_ALLOW),
        answer(libc::SECCOMP_RET_KILL_PROCESS),
        answer(libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned()),
    ]
}

fn step(code: u32, k: u32) -> sock_filter {
    sock_filter { code: code_of(code), jt: 0, jf: 0, k }
}

fn jump(comparison: u32, with: u32, over: u8) -> sock_filter {
    let code = code_of(libc::BPF_JMP | comparison | libc::BPF_K);
    sock_filter { code, jt: over, jf: 0, k: with }
}

fn code_of(code: u32) -> u16 {
    u16::try_from(code).expect("codes of instructions have 16 bits")
}
