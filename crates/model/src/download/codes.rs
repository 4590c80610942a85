//! The error codes of the specification, and our names for them.

use crate::{ErrorCode, ErrorKind, Failure};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal, $kind:ident;)*) => {
        /// A code of the error domain `BAErrorDomain`. `Spec: api 10`.
        ///
        /// Each failure about a single download carries one of these names as its [`ErrorCode`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum BackgroundAssetsErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl BackgroundAssetsErrorCode {
            /// Every code, by number.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The number of the specification.
            #[must_use]
            pub const fn number(self) -> i64 {
                match self { $(Self::$variant => $number,)* }
            }

            /// The name of the Swift case, which is our [`ErrorCode`].
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What a caller can do about it.
            #[must_use]
            pub const fn kind(self) -> ErrorKind {
                match self { $(Self::$variant => ErrorKind::$kind,)* }
            }
        }
    };
}

codes! {
    /// The download object is not valid.
    Invalid = 0, "downloadInvalid", InvalidInput;
    /// An extension may not call this.
    CallFromExtensionNotAllowed = 50, "callFromExtensionNotAllowed", Refused;
    /// The caller is no running app.
    CallFromInactiveProcessNotAllowed = 51, "callFromInactiveProcessNotAllowed", Refused;
    /// The caller is neither an app nor an extension that the service knows.
    CallerConnectionNotAccepted = 55, "callerConnectionNotAccepted", Refused;
    /// The connection to the service is broken.
    CallerConnectionInvalid = 56, "callerConnectionInvalid", Unavailable;
    /// A download of this identifier is scheduled already.
    AlreadyScheduled = 100, "downloadAlreadyScheduled", Conflict;
    /// No such download is scheduled.
    NotScheduled = 101, "downloadNotScheduled", NotFound;
    /// It could not be started.
    FailedToStart = 102, "downloadFailedToStart", Network;
    /// It has failed already.
    AlreadyFailed = 103, "downloadAlreadyFailed", Conflict;
    /// An essential download is not permitted here.
    EssentialDownloadNotPermitted = 109, "downloadEssentialDownloadNotPermitted", Refused;
    /// Background activity is not wanted: low power, or switched off.
    BackgroundActivityProhibited = 111, "downloadBackgroundActivityProhibited", Refused;
    /// It would exceed the allowance.
    WouldExceedAllowance = 112, "downloadWouldExceedAllowance", Refused;
    /// The download does not exist any more.
    DoesNotExist = 113, "downloadDoesNotExist", NotFound;
    /// The host is not permitted before the first launch.
    DisallowedByDomain = 202, "sessionDownloadDisallowedByDomain", Refused;
    /// The allowance is used up.
    DisallowedByAllowance = 203, "sessionDownloadDisallowedByAllowance", Refused;
    /// The allowance was exceeded while the download ran.
    AllowanceExceeded = 204, "sessionDownloadAllowanceExceeded", Refused;
    /// Nothing may be scheduled before the first launch.
    NotPermittedBeforeAppLaunch = 206, "sessionDownloadNotPermittedBeforeAppLaunch", Refused;
}

impl BackgroundAssetsErrorCode {
    /// The error domain.
    pub const DOMAIN: &str = "BAErrorDomain";

    /// The code of a failure; none when it is about something else.
    #[must_use]
    pub fn of(code: &ErrorCode) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.as_str() == code.as_str())
    }

    /// A failure with this code.
    #[must_use]
    pub fn failure(self, message: impl Into<String>) -> Failure {
        Failure::new(self.kind(), self.as_str(), message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_specification() {
        let numbers: Vec<_> =
            BackgroundAssetsErrorCode::ALL.iter().map(|code| code.number()).collect();
        let table = [0, 50, 51, 55, 56, 100, 101, 102, 103, 109, 111, 112, 113, 202, 203, 204, 206];
        assert_eq!(numbers, table);
    }

    #[test]
    fn a_failure_tells_its_code() {
        for code in BackgroundAssetsErrorCode::ALL {
            let failure = code.failure("x");
            assert_eq!(BackgroundAssetsErrorCode::of(&failure.code), Some(*code));
        }
        assert_eq!(BackgroundAssetsErrorCode::of(&ErrorCode::new("offline")), None);
    }
}
