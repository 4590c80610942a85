//! Which headers can be sent to the servers of apps. `Spec: cli, the device`.

use headstart_model::{AppId, ErrorKind, Failure, Headers};
use headstart_transfer::{ExtraHeader, HeaderScope};

/// Whether all of these can be sent.
pub(crate) fn check(headers: &Headers) -> Result<(), Failure> {
    let refused = |message: String| {
        Failure::new(ErrorKind::InvalidInput, "badHeader", message)
            .with_hint("a header is written `NAME: VALUE`, on one line")
    };
    headers.check().map_err(|error| refused(error.to_string()))?;
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
        "give its server the header that it wants: `headstart settings set header.{app} 'NAME: VALUE'`, for another server `header.{app}@URL`; the app can do so too"
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
            assert!(
                shown.contains(&name.to_ascii_lowercase()) && !shown.contains("hunter2"),
                "{shown}"
            );
        }
    }
}
