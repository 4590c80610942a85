//! `debug conditions`: pretending that the device were offline, short of power or disk, or in another hour.

use std::collections::BTreeMap;

use clap::Subcommand;
use headstart::device::Condition;
use headstart_model::Failure;
use serde_json::json;

use super::super::super::Verdict;
use super::super::{connector, failed};
use crate::context::Context;
use crate::output::table;

#[derive(Debug, Subcommand)]
pub(super) enum Conditions {
    /// Shows what the service takes the device to be like, and what it really is
    #[command(after_help = "Examples:\n  headstart debug conditions show")]
    Show,
    /// Pretends until the service ends or somebody resets it
    #[command(
        after_help = "Examples:\n  headstart debug conditions set network=offline\n  headstart debug conditions set power=low disk-free=1000000 clock=+2h"
    )]
    Set {
        /// `network=online|offline`, `power=normal|low`, `disk-free=BYTES`, `clock=+TIME|-TIME`
        #[arg(required = true, value_name = "KEY=VALUE", value_parser = pair)]
        conditions: Vec<(String, String)>,
    },
    /// Ends every pretence
    #[command(after_help = "Examples:\n  headstart debug conditions reset")]
    Reset,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, value)| !key.is_empty() && !value.is_empty());
    let (key, value) = pair.ok_or_else(|| format!("`{text}` is not of the form KEY=VALUE"))?;
    Ok((key.to_owned(), value.to_owned()))
}

impl Conditions {
    pub(super) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let found = context.block_on(async {
            let device = connector(context, None).device().map_err(failed)?;
            let found = match self {
                Self::Show => device.conditions().await,
                Self::Set { conditions } => {
                    device.pretend(conditions.iter().cloned().collect()).await
                }
                Self::Reset => device.pretend(BTreeMap::new()).await,
            };
            found.map_err(failed)
        })?;
        context.output.document(&json!({ "conditions": found }), || text(&found));
        Ok(Verdict::Done)
    }
}

fn text(conditions: &[Condition]) -> String {
    let rows = conditions.iter().map(|condition| {
        let real = if condition.value == condition.real {
            String::new()
        } else {
            format!("(really {})", condition.real)
        };
        vec![condition.key.clone(), condition.value.clone(), real]
    });
    table(&rows.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_has_a_key_and_a_value() {
        assert_eq!(pair("clock=+2h"), Ok(("clock".to_owned(), "+2h".to_owned())));
        assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        for text in ["network", "=offline", "network=", ""] {
            assert!(pair(text).is_err(), "{text}");
        }
    }
}
