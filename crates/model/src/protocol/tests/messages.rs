//! Calls and replies cross unchanged; what is no call ends in an error.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::samples;
use crate::protocol::dispatch::{Call, decode_call};
use crate::protocol::error::CallError;
use crate::protocol::message::{
    Answer, MessageError, Position, Received, ReplyError, decode_reply, encode_call, encode_error,
    encode_reply,
};
use crate::protocol::packs::{self, Ensure, EnsureEvent, EnsureOutcome};
use crate::protocol::service::{Hello, common_protocol};
use crate::protocol::{CALL_BYTES_MAX, Method, Replies};

fn decode(message: &Value) -> Result<Call, CallError> {
    decode_call(&serde_json::to_vec(message).expect("plain data")).expect("a call").call
}

fn invalid(parameter: &str) -> Result<Call, CallError> {
    Err(CallError::InvalidParameter { parameter: parameter.to_owned() })
}

#[test]
fn every_call_crosses_unchanged() {
    for sample in samples::all() {
        let message = json!({
            "method": sample.call.method(),
            "parameters": sample.parameters,
            "more": true,
            "somethingNew": 1,
        });
        assert_eq!(decode(&message), Ok(sample.call));
    }
}

#[test]
fn replies_cross_unchanged_with_their_place() {
    let done = EnsureEvent::Done(EnsureOutcome::default());
    for position in [Position::Between, Position::Last] {
        let bytes = encode_reply::<Ensure>(&done, position).expect("it fits");
        let (nul, frame) = bytes.split_last().expect("not empty");
        assert_eq!(*nul, 0);
        let received = decode_reply::<Ensure>(frame).expect("own output");
        assert_eq!(received, Received { reply: done.clone(), position });
    }
}

#[test]
fn a_failure_crosses_unchanged() {
    let error = CallError::Failed(samples::failure());
    let bytes = encode_error(&error).expect("it fits");
    let frame = bytes.strip_suffix(&[0]).expect("ended by NUL");
    match decode_reply::<packs::Remove>(frame) {
        Err(ReplyError::Call(crossed)) => assert_eq!(crossed, error),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_error_of_somebody_else_is_named() {
    let frame = br#"{"error":"org.example.Odd","parameters":{}}"#;
    match decode_reply::<packs::Remove>(frame) {
        Err(ReplyError::Message(MessageError::UnknownError { name })) => {
            assert_eq!(name, "org.example.Odd");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn unknown_methods_and_interfaces_are_told_apart() {
    let method = "io.headstart.Packs.Fly".to_owned();
    assert_eq!(
        decode(&json!({ "method": method.clone() })),
        Err(CallError::MethodNotFound { method })
    );
    assert_eq!(
        decode(&json!({ "method": "org.example.X.Y" })),
        Err(CallError::InterfaceNotFound { interface: "org.example.X".to_owned() })
    );
}

#[test]
fn the_wrong_parameter_is_named() {
    let ensure = |parameters: Value| {
        decode(&json!({ "method": Ensure::NAME, "more": true, "parameters": parameters }))
    };
    assert_eq!(ensure(json!({})), invalid("packs"));
    assert_eq!(ensure(json!({ "packs": [], "speed": 9 })), invalid("speed"));
    assert_eq!(ensure(json!({ "packs": ["../x"] })), invalid("packs"));
    assert_eq!(ensure(json!({ "app": "..", "packs": [] })), invalid("app"));
    assert_eq!(ensure(json!({ "app": "a", "packs": 1, "latest": true })), invalid("packs"));
    assert_eq!(ensure(json!([null, [], false])), invalid("parameters"));
}

#[test]
fn a_stream_needs_more_and_nothing_can_be_upgraded() {
    assert_eq!(packs::StatusUpdates::REPLIES, Replies::Stream);
    let stream = json!({ "method": packs::StatusUpdates::NAME });
    assert_eq!(decode(&stream), Err(CallError::ExpectedMore));
    let upgrade = json!({ "method": packs::List::NAME, "upgrade": true });
    assert!(matches!(decode(&upgrade), Err(CallError::MethodNotImplemented { .. })));
}

#[test]
fn a_call_is_sent_as_it_wants_to_be_answered() {
    for answer in [Answer::Once, Answer::Stream, Answer::Never] {
        let bytes = encode_call(&packs::List { app: None }, answer).expect("it fits");
        let frame = bytes.strip_suffix(&[0]).expect("ended by NUL");
        let decoded = decode_call(frame).expect("own output");
        assert_eq!(decoded.answer, answer);
        assert_eq!(decoded.call, Ok(Call::ListPacks(packs::List { app: None })));
    }
}

#[test]
fn a_call_says_how_it_wants_to_be_answered() {
    let answer = |text: &str| decode_call(text.as_bytes()).expect("a call").answer;
    assert_eq!(answer(r#"{"method":"x.y.Z"}"#), Answer::Once);
    assert_eq!(answer(r#"{"method":"x.y.Z","more":true}"#), Answer::Stream);
    assert_eq!(answer(r#"{"method":"x.y.Z","more":true,"oneway":true}"#), Answer::Never);
}

#[test]
fn what_is_no_call_is_an_error() {
    for frame in ["", "[]", "{", "{}", r#"{"method":1}"#, &"[".repeat(100_000)] {
        assert!(matches!(decode_call(frame.as_bytes()), Err(MessageError::Json(_))));
    }
}

#[test]
fn a_call_that_is_too_long_is_not_sent() {
    let packs = vec![samples::pack_id(); CALL_BYTES_MAX / 10];
    let error = encode_call(
        &Ensure {
            app: None,
            packs,
            latest: false,
            urgency: crate::Urgency::Foreground,
            until: crate::Until::All,
        },
        Answer::Once,
    );
    assert!(matches!(error, Err(MessageError::TooLong { limit_bytes: CALL_BYTES_MAX, .. })));
}

#[test]
fn the_newest_common_protocol_is_spoken() {
    assert_eq!(common_protocol(1, 1), Some(1));
    assert_eq!(common_protocol(1, 9), Some(1));
    assert_eq!(common_protocol(2, 9), None);
    assert_eq!(common_protocol(0, 0), None);
}

#[test]
fn a_token_is_not_shown() {
    let hello = samples::all().into_iter().find(|s| s.call.method() == Hello::NAME);
    let text = format!("{:?}", hello.expect("there is one").call);
    assert!(text.contains("AppToken") && !text.contains("secret"), "{text}");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _call = decode_call(&bytes);
        let _reply = decode_reply::<Ensure>(&bytes);
    }

    #[test]
    fn damaged_calls_never_panic(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte in 32_u8..127,
    ) {
        let samples = samples::all();
        let sample = which.get(&samples);
        let message = json!({ "method": sample.call.method(), "parameters": sample.parameters });
        let mut bytes = serde_json::to_vec(&message).expect("plain data");
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _call = decode_call(&bytes);
    }
}
