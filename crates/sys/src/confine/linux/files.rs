//! Landlock: which files, which ports, which processes.

use std::io;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
    make_bitflags,
};

use super::super::Confinement;
use super::super::plan::{Failure, Step};

/// What is asked for. The crate leaves out what an older kernel lacks; newer versions have nothing
/// that the filter of system calls does not refuse already.
const ASKED: ABI = ABI::V7;

/// Opened by programs of every kind, for both directions; holds nothing.
const SINK: &str = "/dev/null";

/// The version of Landlock of this kernel; nothing if it lacks it or has it switched off.
#[expect(unsafe_code, reason = "the crate that speaks Landlock does not tell the version")]
pub(super) fn abi() -> Option<u32> {
    const VERSION: libc::c_uint = 1;
    // SAFETY: with this flag the call reads no memory and makes nothing; it returns a number.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<libc::c_void>(),
            0_usize,
            VERSION,
        )
    };
    u32::try_from(version).ok().filter(|version| *version > 0)
}

/// Applies Landlock, and returns its version; nothing if there is none.
pub(super) fn restrict(confinement: &Confinement) -> Result<Option<u32>, Failure> {
    let Some(abi) = abi() else { return Ok(None) };
    let mut rules = ruleset().map_err(|error| refused(&error))?;
    let sink = [PathBuf::from(SINK)];
    let grants = [
        (&confinement.read_execute[..], make_bitflags!(AccessFs::{Execute | ReadFile | ReadDir})),
        (&confinement.read[..], make_bitflags!(AccessFs::{ReadFile | ReadDir})),
        (&confinement.write[..], changes()),
        (&sink[..], make_bitflags!(AccessFs::{ReadFile | WriteFile})),
    ];
    for (paths, access) in grants {
        for path in paths {
            rules = grant(rules, path, access)?;
        }
    }
    let status = rules.restrict_self().map_err(|error| refused(&error))?;
    Ok((status.ruleset != RulesetStatus::NotEnforced).then_some(abi))
}

fn ruleset() -> Result<RulesetCreated, RulesetError> {
    Ruleset::default()
        .handle_access(AccessFs::from_all(ASKED))?
        .handle_access(AccessNet::from_all(ASKED))?
        .scope(Scope::from_all(ASKED))?
        .create()
}

/// Reading and changing, without devices, named pipes, sockets and links, and without running.
///
/// Attack: through a symbolic link in what it may change, the service, which is not confined, would write and remove elsewhere
/// for it.
fn changes() -> BitFlags<AccessFs> {
    make_bitflags!(AccessFs::{
        ReadFile | ReadDir | WriteFile | Truncate | MakeReg | MakeDir | RemoveFile | RemoveDir
            | Refer
    })
}

fn grant(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, Failure> {
    let at = |error| Failure::at(Step::Grant(path.into()))(error);
    let opened = PathFd::new(path).map_err(|error| at(cause(&error)))?;
    // To a single file the rights of folders do not apply, and the kernel refuses them.
    let is_folder = std::fs::metadata(path).map_err(at)?.is_dir();
    let access = if is_folder { access } else { access & AccessFs::from_file(ASKED) };
    rules.add_rule(PathBeneath::new(opened, access)).map_err(|error| at(cause(&error)))
}

fn refused(error: &RulesetError) -> Failure {
    Failure::confining("files (Landlock)")(cause(error))
}

/// The error of the system below an error of the crate.
fn cause(error: &(dyn std::error::Error + 'static)) -> io::Error {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(code) = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            return io::Error::from_raw_os_error(code);
        }
        next = error.source();
    }
    io::Error::other(error.to_string())
}
