//! What programs are told, compared with files under `tests/golden/`.
//!
//! `HEADSTART_UPDATE_GOLDEN=1` writes them anew. What differs from run to run is replaced by a placeholder of its type, so
//! that a missing or mistyped field still shows.

use std::path::Path;

use serde_json::Value;

use crate::world::{Ran, World};

/// Numbers that depend on the compressor or on the clock; zero stays zero, because that is a promise.
const BYTES: [&str; 9] = [
    "archiveSize",
    "bytesDown",
    "newBytes",
    "freedBytes",
    "downloadSize",
    "bytesDone",
    "bytesPerSecond",
    "peakExtraDisk",
    "metadataBytes",
];
const NUMBERS: [&str; 7] = [
    "bytesCopied",
    "seconds",
    "requests",
    "metadataRequests",
    "connection",
    "pid",
    "uptimeSeconds",
];
const TIMES: [&str; 3] = ["expires", "rootExpires", "at"];
const HASHES: [&str; 1] = ["fingerprint"];

/// Compares what was said with the golden file, without the events of progress, which come as they come.
#[track_caller]
pub fn assert_golden(world: &World, name: &str, ran: &Ran) {
    let objects = ran.objects().into_iter().filter(|object| object["event"] != "progress");
    let mut said = Value::Array(objects.collect());
    normalize(&mut said, world, "");
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.json"));
    #[allow(clippy::disallowed_methods, reason = "tests have no `main` of their own")]
    if std::env::var_os("HEADSTART_UPDATE_GOLDEN").is_some() {
        let text = serde_json::to_string_pretty(&said).expect("JSON") + "\n";
        std::fs::write(&path, text).expect("the golden files can be written");
        return;
    }
    let golden = std::fs::read(&path)
        .unwrap_or_else(|_| panic!("{} is missing; said was {said:#}", path.display()));
    let golden: Value = serde_json::from_slice(&golden).expect("golden files are JSON");
    assert!(said == golden, "{name} was\n{said:#}\ninstead of\n{golden:#}");
}

fn normalize(value: &mut Value, world: &World, key: &str) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| normalize(value, world, key)),
        Value::Object(fields) => {
            // Elsewhere `bytes` are those of files, which do not depend on the compressor.
            let compressed = key == "deltas" || fields.contains_key("ok");
            if compressed && fields.get("bytes").and_then(Value::as_u64).is_some_and(|n| n > 0) {
                fields["bytes"] = "<bytes>".into();
            }
            fields.iter_mut().for_each(|(key, value)| normalize(value, world, key));
        }
        Value::Number(number) => {
            if BYTES.contains(&key) && number.as_u64().is_some_and(|n| n > 0) {
                *value = "<bytes>".into();
            } else if NUMBERS.contains(&key) && number.as_f64().is_some_and(|n| n >= 0.0) {
                *value = "<number>".into();
            }
        }
        Value::String(text) => *text = normalized(text, world, key),
        Value::Null | Value::Bool(_) => {}
    }
}

fn normalized(text: &str, world: &World, key: &str) -> String {
    if TIMES.contains(&key) && text.parse::<jiff::Timestamp>().is_ok() {
        return "<time>".to_owned();
    }
    let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash && (HASHES.contains(&key) || key == "id") {
        return "<sha256>".to_owned();
    }
    let text = text.replace(world.root().to_str().expect("UTF-8"), "<world>");
    let text = without(&text, "/keys/", 64, "<sha256>");
    let text = without(&text, "/cache/serve-", 6, "<random>");
    // Ports are chosen by the system.
    match text.split_once("127.0.0.1:") {
        Some((before, after)) => {
            let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}127.0.0.1:<port>{after}")
        }
        None => text,
    }
}

/// Replaces the `length` characters after `mark`.
fn without(text: &str, mark: &str, length: usize, placeholder: &str) -> String {
    match text.split_once(mark) {
        Some((before, after)) if after.len() >= length => {
            format!("{before}{mark}{placeholder}{}", &after[length..])
        }
        _ => text.to_owned(),
    }
}

/// Events of progress: every field, and a fraction that never falls.
#[track_caller]
pub fn assert_progress(ran: &Ran) {
    let events: Vec<_> =
        ran.objects().into_iter().filter(|object| object["event"] == "progress").collect();
    assert!(!events.is_empty(), "{ran:?}");
    let mut fraction = 0.0;
    for event in events {
        for key in
            ["phase", "pack", "bytesDone", "bytesTotal", "bytesPerSecond", "etaSeconds", "fraction"]
        {
            assert!(event.get(key).is_some(), "{event} has no {key}");
        }
        let now = event["fraction"].as_f64().expect("a number");
        assert!(now >= fraction && now <= 1.0, "{event} after {fraction}");
        fraction = now;
    }
}
