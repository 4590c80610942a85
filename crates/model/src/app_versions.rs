//! Which versions of an app something is for.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::app_bundle::{AppVersion, VersionError};

/// Bytes of the text of a range; a longer one is refused.
const TEXT_BYTES_MAX: usize = 256;

/// The versions of an app that a version of a pack is for: `>=1.4, <2`.
///
/// Comparisons joined by commas, all of which hold: `>=`, `>`, `<`, `<=`, `=`; each names an [`AppVersion`] and goes by
/// [`AppVersion::precedence`]. `Ours:` together they are one interval, so that it can be told whether some versions of the app
/// are left without a pack. A pre-release stands before its release: `<2` holds for `2.0-beta`, and `>=2` does not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppVersions {
    /// At least one of both ends is there.
    lower: Option<Bound>,
    upper: Option<Bound>,
}

/// One end of an interval.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Bound {
    version: AppVersion,
    edge: Edge,
}

/// Whether an end belongs to the interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Edge {
    Inside,
    Outside,
}

/// Why a text is not a range of app versions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppVersionsError {
    /// A part is no comparison.
    #[error("`{part}` is no comparison with a version; write a range like `>=1.4, <2`")]
    Comparison {
        /// The part.
        part: String,
    },
    /// What follows a comparison is no version.
    #[error("the range of app versions names a version that is none")]
    Version(#[from] VersionError),
    /// No version can fulfil it.
    #[error("no version of an app is in the range `{text}`")]
    Empty {
        /// The range.
        text: String,
    },
    /// It is too long.
    #[error("a range of app versions has at most {TEXT_BYTES_MAX} bytes")]
    TooLong,
}

impl AppVersions {
    /// Reads a range.
    ///
    /// # Errors
    /// [`AppVersionsError`] when it is none, or when no version is in it.
    pub fn new(text: &str) -> Result<Self, AppVersionsError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(AppVersionsError::TooLong);
        }
        let mut range = Self { lower: None, upper: None };
        for part in text.split(',').map(str::trim) {
            range.narrow(part)?;
        }
        if range.is_empty() {
            return Err(AppVersionsError::Empty { text: text.to_owned() });
        }
        Ok(range)
    }

    fn narrow(&mut self, part: &str) -> Result<(), AppVersionsError> {
        let digit = part.find(|c: char| c.is_ascii_digit()).unwrap_or(part.len());
        let (comparison, version) = part.split_at(digit);
        if version.is_empty() {
            return Err(AppVersionsError::Comparison { part: part.to_owned() });
        }
        let bound = |edge| AppVersion::new(version).map(|version| Bound { version, edge });
        match comparison.trim() {
            ">=" => self.raise(bound(Edge::Inside)?),
            ">" => self.raise(bound(Edge::Outside)?),
            "<=" => self.lessen(bound(Edge::Inside)?),
            "<" => self.lessen(bound(Edge::Outside)?),
            "=" => {
                self.raise(bound(Edge::Inside)?);
                self.lessen(bound(Edge::Inside)?);
            }
            _ => return Err(AppVersionsError::Comparison { part: part.to_owned() }),
        }
        Ok(())
    }

    fn raise(&mut self, bound: Bound) {
        if compare_lower(Some(&bound), self.lower.as_ref()).is_gt() {
            self.lower = Some(bound);
        }
    }

    fn lessen(&mut self, bound: Bound) {
        if compare_upper(Some(&bound), self.upper.as_ref()).is_lt() {
            self.upper = Some(bound);
        }
    }

    fn is_empty(&self) -> bool {
        let (Some(lower), Some(upper)) = (&self.lower, &self.upper) else { return false };
        match lower.version.precedence(&upper.version) {
            Ordering::Less => false,
            Ordering::Equal => (lower.edge, upper.edge) != (Edge::Inside, Edge::Inside),
            Ordering::Greater => true,
        }
    }

    /// Whether `version` is in the range.
    #[must_use]
    pub fn contains(&self, version: &AppVersion) -> bool {
        let above = self.lower.as_ref().is_none_or(|bound| {
            let order = version.precedence(&bound.version);
            order.is_gt() || (order.is_eq() && bound.edge == Edge::Inside)
        });
        let below = self.upper.as_ref().is_none_or(|bound| {
            let order = version.precedence(&bound.version);
            order.is_lt() || (order.is_eq() && bound.edge == Edge::Inside)
        });
        above && below
    }

    /// Whether every version in `range` is in one of `others`; no range stands for all versions.
    #[must_use]
    pub fn is_covered(range: Option<&Self>, others: &[Option<&Self>]) -> bool {
        let all = Self { lower: None, upper: None };
        let range = range.unwrap_or(&all);
        let mut others: Vec<&Self> = others.iter().map(|other| other.unwrap_or(&all)).collect();
        others.sort_by(|a, b| compare_lower(a.lower.as_ref(), b.lower.as_ref()));
        // From here on nothing is covered yet: the lower end of what is left.
        let mut left = range.lower.clone();
        for other in others {
            if compare_lower(other.lower.as_ref(), left.as_ref()).is_gt() {
                return false;
            }
            if compare_upper(other.upper.as_ref(), range.upper.as_ref()).is_ge() {
                return true;
            }
            let Some(upper) = &other.upper else { return true };
            let edge = match upper.edge {
                Edge::Inside => Edge::Outside,
                Edge::Outside => Edge::Inside,
            };
            let next = Bound { version: upper.version.clone(), edge };
            if compare_lower(Some(&next), left.as_ref()).is_gt() {
                left = Some(next);
            }
        }
        false
    }
}

/// No bound is the lowest; a version inside comes before the same one outside.
fn compare_lower(one: Option<&Bound>, other: Option<&Bound>) -> Ordering {
    match (one, other) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(one), Some(other)) => one.version.precedence(&other.version).then_with(|| {
            let outside = |bound: &Bound| bound.edge == Edge::Outside;
            outside(one).cmp(&outside(other))
        }),
    }
}

/// No bound is the highest; a version inside comes after the same one outside.
fn compare_upper(one: Option<&Bound>, other: Option<&Bound>) -> Ordering {
    match (one, other) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(one), Some(other)) => one.version.precedence(&other.version).then_with(|| {
            let inside = |bound: &Bound| bound.edge == Edge::Inside;
            inside(one).cmp(&inside(other))
        }),
    }
}

impl fmt::Display for AppVersions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = |edge, inside, outside| if edge == Edge::Inside { inside } else { outside };
        match (&self.lower, &self.upper) {
            (Some(lower), Some(upper)) if lower == upper => write!(f, "={}", lower.version),
            (Some(lower), Some(upper)) => write!(
                f,
                "{}{}, {}{}",
                sign(lower.edge, ">=", ">"),
                lower.version,
                sign(upper.edge, "<=", "<"),
                upper.version
            ),
            (Some(lower), None) => write!(f, "{}{}", sign(lower.edge, ">=", ">"), lower.version),
            (None, Some(upper)) => write!(f, "{}{}", sign(upper.edge, "<=", "<"), upper.version),
            (None, None) => Ok(()),
        }
    }
}

impl FromStr for AppVersions {
    type Err = AppVersionsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl TryFrom<String> for AppVersions {
    type Error = AppVersionsError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<AppVersions> for String {
    fn from(versions: AppVersions) -> Self {
        versions.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> AppVersions {
        AppVersions::new(text).expect(text)
    }

    fn holds(text: &str, version: &str) -> bool {
        range(text).contains(&AppVersion::new(version).expect(version))
    }

    #[test]
    fn a_range_holds_for_the_versions_between_its_ends() {
        for (text, inside, outside) in [
            (
                ">=1.4, <2",
                vec!["1.4", "1.4.0", "1.9.9", "2.0-beta"],
                vec!["1.3.9", "2", "2.0.1", "1.4-rc.1"],
            ),
            (">1.4", vec!["1.4.1", "2"], vec!["1.4", "1.4.0"]),
            ("<=2", vec!["2", "2.0.0", "0.1"], vec!["2.0.1"]),
            ("= 3.1", vec!["3.1", "3.1.0"], vec!["3.1.1", "3"]),
            (">=1,>=2,<5,<3", vec!["2", "2.9"], vec!["1.5", "3"]),
        ] {
            for version in inside {
                assert!(holds(text, version), "{version} in {text}");
            }
            for version in outside {
                assert!(!holds(text, version), "{version} in {text}");
            }
        }
    }

    #[test]
    fn what_is_no_range_is_refused_with_the_part_that_is_wrong() {
        for text in ["", "1.4", ">=", "~1", ">=1,", "=>1", ">= v1", "any"] {
            let error = AppVersions::new(text).expect_err(text);
            assert!(matches!(error, AppVersionsError::Comparison { .. }), "{text}: {error}");
        }
        for text in [">2, <1", ">1, <1", ">=1, <1", "=1, =2"] {
            let error = AppVersions::new(text).expect_err(text);
            assert!(matches!(error, AppVersionsError::Empty { .. }), "{text}: {error}");
        }
        assert!(matches!(AppVersions::new(">=1 2"), Err(AppVersionsError::Version(_))));
        assert_eq!(AppVersions::new(&">=1,".repeat(100)), Err(AppVersionsError::TooLong));
    }

    #[test]
    fn a_range_is_written_as_it_is_read() {
        for (text, written) in [
            (">=1.4,<2", ">=1.4, <2"),
            ("<2,>=1.4", ">=1.4, <2"),
            (">1", ">1"),
            ("<=2", "<=2"),
            ("=1", "=1"),
            (">=1,<=1", "=1"),
        ] {
            assert_eq!(range(text).to_string(), written);
            assert_eq!(range(written), range(text));
        }
        let json = serde_json::to_string(&range(">=1, <2")).expect("text");
        assert_eq!(
            serde_json::from_str::<AppVersions>(&json).expect("own output"),
            range(">=1, <2")
        );
        assert!(serde_json::from_str::<AppVersions>(r#""<1, >2""#).is_err());
    }

    #[test]
    fn what_others_cover_together_is_covered() {
        let covered = |text: Option<&str>, others: &[Option<&str>]| {
            let text = text.map(range);
            let others: Vec<_> = others.iter().map(|other| other.map(range)).collect();
            let others: Vec<_> = others.iter().map(Option::as_ref).collect();
            AppVersions::is_covered(text.as_ref(), &others)
        };
        assert!(covered(None, &[None]) && covered(Some("<1"), &[None]));
        assert!(!covered(None, &[]) && !covered(None, &[Some(">=2")]));
        assert!(covered(None, &[Some("<2"), Some(">=2")]));
        assert!(covered(None, &[Some(">=2"), Some("<=2")]));
        assert!(!covered(None, &[Some("<2"), Some(">2")]), "2 itself is left");
        assert!(covered(Some(">=1, <2"), &[Some(">=1.5"), Some(">=1, <1.6")]));
        assert!(!covered(Some(">=1, <2"), &[Some(">1, <2")]), "1 itself is left");
        assert!(!covered(Some(">=1, <=2"), &[Some(">=1, <2")]), "2 itself is left");
        assert!(!covered(Some("<3"), &[Some(">=1, <2"), Some(">=2")]));
    }
}
