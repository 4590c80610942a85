//! The interface files describe exactly what the types serialize.

use std::collections::BTreeSet;

use super::idl::{self, Checker, Interface};
use super::samples;
use crate::protocol::dispatch::METHODS;
use crate::protocol::error::CallError;
use crate::protocol::introspection::INTERFACES;

fn interfaces() -> Vec<Interface> {
    INTERFACES
        .iter()
        .map(|(name, text)| {
            let interface = idl::parse(text);
            assert_eq!(interface.name, *name);
            interface
        })
        .collect()
}

#[test]
fn the_methods_are_those_of_the_interface_files() {
    let of =
        |i: &Interface| i.methods.keys().map(|m| format!("{}.{m}", i.name)).collect::<Vec<_>>();
    let described: BTreeSet<String> = interfaces().iter().flat_map(of).collect();
    let known: BTreeSet<String> = METHODS.iter().map(|m| (*m).to_owned()).collect();
    assert_eq!(described, known);
}

#[test]
fn every_field_and_name_is_described_and_every_described_one_occurs() {
    let samples = samples::all();
    for interface in interfaces() {
        let mut checker = Checker::default();
        let mut described = BTreeSet::new();
        interface.types.iter().for_each(|(name, ty)| idl::described(ty, name, &mut described));
        for (method, (parameters, reply)) in &interface.methods {
            let name = format!("{}.{method}", interface.name);
            let (of_call, of_reply) = (format!("{method}()"), format!("{method}->"));
            idl::described(parameters, &of_call, &mut described);
            idl::described(reply, &of_reply, &mut described);
            for sample in samples.iter().filter(|s| s.call.method() == name) {
                checker.check(&interface, parameters, &sample.parameters, &of_call);
                for value in &sample.replies {
                    checker.check(&interface, reply, value, &of_reply);
                }
            }
        }
        assert_eq!(checker.seen, described, "{}", interface.name);
    }
}

#[test]
fn the_errors_are_those_of_the_interface_files() {
    let text = || "x".to_owned();
    let errors = [
        CallError::Failed(samples::failure()),
        CallError::InterfaceNotFound { interface: text() },
        CallError::MethodNotFound { method: text() },
        CallError::MethodNotImplemented { method: text() },
        CallError::InvalidParameter { parameter: text() },
        CallError::PermissionDenied,
        CallError::ExpectedMore,
    ];
    let interfaces = interfaces();
    let mut unused: BTreeSet<String> = interfaces
        .iter()
        .flat_map(|i| i.errors.keys().map(|error| format!("{}.{error}", i.name)))
        .collect();
    for error in errors {
        let message = error.to_message();
        let name = message.error.expect("an error has a name");
        assert!(unused.remove(&name), "{name}");
        let (of, member) = name.rsplit_once('.').expect("an interface and a name");
        let interface = interfaces.iter().find(|i| i.name == of).expect("it is described");
        let parameters = message.parameters.expect("an error has parameters");
        let mut checker = Checker::default();
        checker.check(interface, &interface.errors[member], &parameters, member);
        let back = CallError::from_message(&name, Some(parameters)).expect("own output");
        assert_eq!(back, error);
    }
    assert!(unused.is_empty(), "{unused:?}");
}
