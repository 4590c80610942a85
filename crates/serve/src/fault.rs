//! Faults on command: what a server can do wrong, and when it shall.
//!
//! Every decision is a function of a seed and of a count of requests, so a run repeats as long as
//! requests arrive in the same order.

mod plan;
mod script;

pub use plan::{FaultPlan, FaultRule, Frequency};
pub use script::Script;

use std::{
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

/// One way to misbehave. Spec: cli (`serve --fault KIND`); the exact meanings are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FaultKind {
    /// Closes the connection in the middle of the body. Over HTTP/1.1 exactly the bytes before the
    /// point arrive; over HTTP/2 at most those, and the other streams of the connection die too.
    Cut,
    /// Stops sending in the middle of the body; the connection stays open until the client or the
    /// server ends.
    Stall,
    /// Sends the body in small drips: 1 KiB each 20 ms.
    Slow,
    /// Answers 500.
    Status500,
    /// Answers 503 with `Retry-After: 1`.
    Status503,
    /// Answers a range request with 200 and the whole body.
    IgnoreRange,
    /// Answers a range request with 206 and another range, labelled as what it is.
    WrongRange,
    /// Sends a body that is too short, with a Content-Length that agrees with it. A Content-Range
    /// still names what was asked for.
    Truncate,
    /// Sends a body of the right length in which one to three bytes have flipped bits.
    Corrupt,
    /// Gives another entity tag with each answer, so that no `If-Range` or `If-None-Match` holds.
    ChangeEtag,
    /// Redirects to itself, and each redirected request again, without end. Those rounds are not
    /// counted as requests by rules and scripts.
    RedirectLoop,
}

impl FaultKind {
    /// All kinds, in the order in which the command line lists them.
    pub const ALL: [Self; 11] = [
        Self::Cut,
        Self::Stall,
        Self::Slow,
        Self::Status500,
        Self::Status503,
        Self::IgnoreRange,
        Self::WrongRange,
        Self::Truncate,
        Self::Corrupt,
        Self::ChangeEtag,
        Self::RedirectLoop,
    ];

    /// The name on the command line and in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Stall => "stall",
            Self::Slow => "slow",
            Self::Status500 => "status500",
            Self::Status503 => "status503",
            Self::IgnoreRange => "ignore-range",
            Self::WrongRange => "wrong-range",
            Self::Truncate => "truncate",
            Self::Corrupt => "corrupt",
            Self::ChangeEtag => "change-etag",
            Self::RedirectLoop => "redirect-loop",
        }
    }

    /// Whether this kind can show in the answer to such a request: some need a body, some a range.
    #[must_use]
    pub fn applies_to(self, request: &RequestFacts<'_>) -> bool {
        let body = request.method == "GET";
        match self {
            Self::Cut | Self::Stall | Self::Slow | Self::Truncate | Self::Corrupt => body,
            Self::IgnoreRange | Self::WrongRange => body && request.range.is_some(),
            Self::Status500 | Self::Status503 | Self::ChangeEtag | Self::RedirectLoop => true,
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no kind of fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is not a kind of fault; expected one of cut, stall, slow, status500, status503, \
     ignore-range, wrong-range, truncate, corrupt, change-etag, redirect-loop"
)]
pub struct UnknownFault {
    /// What was given.
    pub name: String,
}

impl FromStr for FaultKind {
    type Err = UnknownFault;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownFault { name: name.to_owned() })
    }
}

/// Where in a body a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultPoint {
    /// Somewhere in the middle half of the body, chosen by this draw.
    Drawn(u64),
    /// After so many bytes of the body. In a body that has no more bytes than that, nothing happens.
    AfterBytes(u64),
}

/// A fault that one request shall meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Where in the body, for the kinds that have a place.
    pub point: FaultPoint,
}

impl Fault {
    /// A fault in the middle of the body.
    #[must_use]
    pub const fn new(kind: FaultKind) -> Self {
        Self { kind, point: FaultPoint::Drawn(0) }
    }

    /// A fault after exactly so many bytes of the body.
    #[must_use]
    pub const fn after_bytes(kind: FaultKind, bytes: u64) -> Self {
        Self { kind, point: FaultPoint::AfterBytes(bytes) }
    }

    /// The offset in a body of `len` bytes: below `len` unless the caller asked for more.
    pub(crate) fn offset(self, len: u64) -> u64 {
        match self.point {
            FaultPoint::AfterBytes(bytes) => bytes.min(len),
            FaultPoint::Drawn(draw) => {
                let quarter = len / 4;
                quarter + draw % (len / 2).max(1)
            }
        }
    }

    /// The draw behind the point, for kinds that need more than one number.
    pub(crate) const fn draw(self) -> u64 {
        match self.point {
            FaultPoint::Drawn(draw) | FaultPoint::AfterBytes(draw) => draw,
        }
    }
}

/// What a decision about a fault may look at.
#[derive(Debug, Clone, Copy)]
pub struct RequestFacts<'a> {
    /// Which request this is since the faults were set, from 1.
    pub number: u64,
    /// The method.
    pub method: &'a str,
    /// The path as it was sent, percent-encoding included, query excluded.
    pub path: &'a str,
    /// The Range header as it was sent.
    pub range: Option<&'a str>,
}

/// A handle on a server's faults; clones share it. They can change while the server runs.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<FaultState>>);

#[derive(Debug, Default)]
struct FaultState {
    requests: u64,
    source: Source,
}

#[derive(Debug, Default)]
enum Source {
    #[default]
    None,
    Plan(plan::PlanState),
    Script(Script),
}

impl Faults {
    /// No faults.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Faults by rules.
    #[must_use]
    pub fn planned(plan: FaultPlan) -> Self {
        let faults = Self::default();
        faults.set_plan(plan);
        faults
    }

    /// Faults by a program.
    #[must_use]
    pub fn scripted(script: Script) -> Self {
        let faults = Self::default();
        faults.set_script(script);
        faults
    }

    /// Replaces what was set before by rules; all counts begin anew.
    pub fn set_plan(&self, plan: FaultPlan) {
        self.replace(Source::Plan(plan::PlanState::new(plan)));
    }

    /// Replaces what was set before by a program; the count of requests begins anew.
    pub fn set_script(&self, script: Script) {
        self.replace(Source::Script(script));
    }

    /// Ends all faults. Bodies that already stall go on stalling.
    pub fn clear(&self) {
        self.replace(Source::None);
    }

    fn replace(&self, source: Source) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = FaultState { requests: 0, source };
    }

    /// Counts a request and decides its fate. The number in `request` is filled in here.
    pub(crate) fn decide(&self, request: RequestFacts<'_>) -> Option<Fault> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.requests += 1;
        let facts = RequestFacts { number: state.requests, ..request };
        match &mut state.source {
            Source::None => None,
            Source::Plan(plan) => plan.decide(&facts),
            Source::Script(script) => {
                let script = script.clone();
                // A script is foreign code and may itself use this handle.
                drop(state);
                script.decide(&facts)
            }
        }
    }

    /// Whether any faults are set.
    pub(crate) fn are_set(&self) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !matches!(state.source, Source::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_from_its_name() {
        for kind in FaultKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let error = "explode".parse::<FaultKind>().unwrap_err();
        for kind in FaultKind::ALL {
            assert!(error.to_string().contains(kind.name()), "{kind}");
        }
    }

    #[test]
    fn drawn_points_lie_in_the_middle_half_of_the_body() {
        for draw in [0, 1, 77, u64::MAX] {
            let fault = Fault { kind: FaultKind::Cut, point: FaultPoint::Drawn(draw) };
            let offset = fault.offset(1_000);
            assert!((250..750).contains(&offset), "{offset}");
            assert_eq!(fault.offset(1), 0);
            assert_eq!(fault.offset(0), 0);
        }
        assert_eq!(Fault::after_bytes(FaultKind::Cut, 9).offset(5), 5);
    }
}
