//! Which headers can be sent to the servers of apps. `Spec: cli, any machine`.

use headstart_model::{AppId, ErrorKind, Failure, Headers};
use headstart_transfer::{ExtraHeader, HeaderScope};

/// Most headers for one server. `Ours:` some gates want two, nobody a dozen; each goes with every request.
const HEADERS_MAX: usize = 16;
/// Most bytes of them together: servers refuse requests with more.
const BYTES_MAX: usize = 8 * 1024;

/// Whether all of these can be sent.
pub(crate) fn check(headers: &Headers) -> Result<(), Failure> {
    let refused = |message: String| {
        Failure::new(ErrorKind::InvalidInput, "badHeader", message)
            .with_hint("a header is written `NAME: VALUE`, on one line")
    };
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if headers.iter().count() > HEADERS_MAX || bytes > BYTES_MAX {
        let limits = format!("{HEADERS_MAX} headers with {BYTES_MAX} bytes");
        return Err(refused(format!("a server gets at most {limits}")));
    }
    for (name, value) in headers.iter() {
        let (name, value) = (name.to_owned(), value.to_owned());
        let header = ExtraHeader { scope: HeaderScope::EverySource, name, value };
        header.check().map_err(|error| refused(error.to_string()))?;
    }
    Ok(())
}

/// What a person can do about a server that refuses the content of `app`.
pub(crate) fn advised(failure: Failure, app: &AppId) -> Failure {
    if failure.code.as_str() != "serverDenied" {
        return failure;
    }
    failure.with_hint(format!(
        "give its server the header that it wants: `headstart settings set header.{app} 'NAME: VALUE'`; the app can do so too"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&str, &str)]) -> Headers {
        all.iter().copied().collect()
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_name_and_never_by_its_value() {
        assert!(check(&headers(&[("Authorization", "Bearer abc"), ("x-id", "1")])).is_ok());
        for (name, value) in
            [("x token", "hunter2"), ("x-token", "hunter2\n"), ("Range", "hunter2")]
        {
            let failure = check(&headers(&[(name, value)])).expect_err(name);
            let shown = failure.to_string();
            assert!(shown.contains(name) && !shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn headers_are_bounded() {
        let many: Headers = (0..=HEADERS_MAX).map(|n| (format!("x-{n}"), "1")).collect();
        assert!(check(&many).is_err());
        let long = "a".repeat(BYTES_MAX);
        assert!(check(&headers(&[("x-long", &long)])).is_err());
    }
}
