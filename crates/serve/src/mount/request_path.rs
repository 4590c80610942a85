//! The path of a request, decoded once and unable to leave what it is looked up in.

use percent_encoding::percent_decode_str;

/// Why the path of a request is refused.
///
/// All of these answer 400: no resource can ever have such a name, and each form has been used to
/// climb out of a served folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadPath {
    #[error("the path does not begin with a slash")]
    NotAbsolute,
    #[error("the path has a broken percent-encoding or is not UTF-8")]
    NotText,
    #[error("the path has a `.` or `..` segment")]
    DotSegment,
    #[error("a segment of the path has a slash, backslash or control character in it")]
    ForbiddenCharacter,
    #[error("a segment of the path means something else than a file on this platform")]
    DeviceOrStream,
}

/// Segments of a path: decoded, none empty, none `.` or `..`, without separators or controls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestPath {
    segments: Vec<String>,
}

impl RequestPath {
    /// Reads the path of a request target. A path that ends in a slash keeps an empty last segment
    /// out, and names nothing; see [`RequestPath::below`].
    pub(crate) fn parse(raw: &str) -> Result<Self, BadPath> {
        let rest = raw.strip_prefix('/').ok_or(BadPath::NotAbsolute)?;
        let segments = rest.split('/').map(decode).collect::<Result<_, _>>()?;
        Ok(Self { segments })
    }

    /// The segments below a mount point, if the path lies there. Never empty.
    pub(crate) fn below(&self, mount: &[String]) -> Option<&[String]> {
        let rest = self.segments.strip_prefix(mount)?;
        (!rest.is_empty()).then_some(rest)
    }
}

fn decode(segment: &str) -> Result<String, BadPath> {
    if has_broken_escape(segment) {
        return Err(BadPath::NotText);
    }
    // Decoded exactly once: `%252e` is the name `%2e`, never a dot.
    let decoded = percent_decode_str(segment).decode_utf8().map_err(|_| BadPath::NotText)?;
    if decoded == "." || decoded == ".." {
        return Err(BadPath::DotSegment);
    }
    if decoded.chars().any(|c| c == '/' || c == '\\' || c.is_control()) {
        return Err(BadPath::ForbiddenCharacter);
    }
    if cfg!(windows) && means_no_file_on_windows(&decoded) {
        return Err(BadPath::DeviceOrStream);
    }
    Ok(decoded.into_owned())
}

fn has_broken_escape(segment: &str) -> bool {
    segment.split('%').skip(1).any(|after| {
        let mut hex = after.bytes();
        !matches!((hex.next(), hex.next()), (Some(a), Some(b))
            if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
    })
}

/// `a.txt::$DATA` reads a file past rules on its name, `CON` opens the console, and trailing dots
/// and spaces are dropped by the system, so that `.. ` would be `..`.
fn means_no_file_on_windows(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let digits = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³"];
    let numbered = |name: &str| stem.strip_prefix(name).is_some_and(|n| digits.contains(&n));
    segment.contains(':')
        || segment.ends_with(['.', ' '])
        || matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || numbered("COM")
        || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn segments(raw: &str) -> Result<Vec<String>, BadPath> {
        RequestPath::parse(raw).map(|path| path.segments)
    }

    #[test]
    fn plain_and_encoded_names_are_decoded_once() {
        assert_eq!(segments("/a/b%20c").unwrap(), ["a", "b c"]);
        assert_eq!(segments("/%C3%A9").unwrap(), ["é"]);
        assert_eq!(segments("/%252e%252e/x").unwrap(), ["%2e%2e", "x"]);
        assert_eq!(segments("/...").unwrap(), ["..."]);
    }

    #[test]
    fn climbing_in_any_spelling_is_refused() {
        for raw in ["/..", "/a/../b", "/%2e%2e/b", "/.%2E/b", "/a/./b", "/%2e"] {
            assert_eq!(segments(raw), Err(BadPath::DotSegment), "{raw}");
        }
        for raw in ["/a%2f..%2fb", "/a%5c..%5cb", "/a\\..\\b", "/a%00.txt", "/a%0d%0ab"] {
            assert_eq!(segments(raw), Err(BadPath::ForbiddenCharacter), "{raw}");
        }
        for raw in ["/%", "/%2", "/%zz", "/%c0%ae%c0%ae/", "/%ff"] {
            assert_eq!(segments(raw), Err(BadPath::NotText), "{raw}");
        }
        assert_eq!(segments("*"), Err(BadPath::NotAbsolute));
        assert_eq!(segments(""), Err(BadPath::NotAbsolute));
    }

    #[test]
    fn windows_devices_streams_and_trailing_dots_are_known() {
        for name in ["nul", "COM1.txt", "lpt9", "a:b", "a.txt::$DATA", "x.", "x ", "con.tar.gz"] {
            assert!(means_no_file_on_windows(name), "{name}");
        }
        for name in ["null", "COM", "com10", "console", "a.b", "lpt"] {
            assert!(!means_no_file_on_windows(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_cannot_climb(raw in "/[./\\\\%0-9a-fA-F\\PC]{0,40}") {
            for segment in segments(&raw).unwrap_or_default() {
                prop_assert!(segment != "." && segment != "..");
                prop_assert!(!segment.contains(['/', '\\', '\0']));
            }
        }
    }
}
