//! What an error says besides its kind and code.

use headstart::{AppGroupId, DownloadPriority, Error, ErrorKind, Failure};

fn error(kind: ErrorKind, code: &'static str) -> Error {
    Failure::new(kind, code, "it is so").into()
}

#[test]
fn an_error_has_the_number_of_the_original_where_there_is_one() {
    let missing = ErrorKind::NotFound;
    for (given, number) in [
        (error(missing, "assetPackNotFound"), Some(("BAManagedErrorDomain", 0))),
        (error(missing, "fileNotFound"), Some(("BAManagedErrorDomain", 1))),
        (error(missing, "localAvailabilityFailure"), Some(("BAManagedErrorDomain", 2))),
        (error(missing, "downloadNotScheduled"), Some(("BAErrorDomain", 101))),
        (error(ErrorKind::Cancelled, "cancelled"), Some(("NSURLErrorDomain", -999))),
        (error(ErrorKind::Unavailable, "serviceGone"), None),
    ] {
        assert_eq!(given.number(), number, "{given}");
    }
}

#[test]
fn an_error_is_printed_with_the_way_out_for_who_asks() {
    let hinted: Error = Failure::new(ErrorKind::Usage, "badUrl", "no").with_hint("say yes").into();
    assert_eq!((format!("{hinted}"), format!("{hinted:#}")), ("no".into(), "no; say yes".into()));
    assert_eq!(format!("{:#}", error(ErrorKind::Usage, "badUrl")), "it is so");
}

#[test]
fn what_is_no_value_becomes_an_error_of_the_library() {
    fn group(id: &str) -> Result<AppGroupId, Error> {
        Ok(AppGroupId::new(id)?)
    }
    fn priority(number: i64) -> Result<DownloadPriority, Error> {
        Ok(DownloadPriority::new(number)?)
    }
    group("group.com.example.game").unwrap();
    let refused = group("no group").unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Usage, "invalidId"));
    priority(1000).unwrap();
    let refused = priority(1001).unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::InvalidInput, "downloadInvalid"));
}
