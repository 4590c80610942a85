//! `repo refresh`: new dates for what is signed.

use clap::Args;
use headstart_model::Failure;
use headstart_repo::Role;
use serde_json::json;

use super::place::{Repository, Signing};
use crate::command::Verdict;
use crate::context::Context;

/// Signs the timestamp anew, so that devices go on believing the repository
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart repo refresh assets-repo\n\n\
    For cron, once a week: the timestamp holds 30 days.")]
pub(crate) struct Refresh {
    /// The repository
    repo: Repository,
    #[command(flatten)]
    signing: Signing,
}

impl Refresh {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let mut writer = self.signing.open(context, &self.repo)?;
        let refreshed = writer.refresh(context.now()).map_err(|error| error.to_failure())?;
        let renewed: Vec<&str> = refreshed.renewed.iter().map(|role| Role::as_str(*role)).collect();
        let document = json!({
            "expires": refreshed.expires, "rootExpires": refreshed.root_expires, "renewed": renewed,
        });
        context.output.document(&document, || {
            format!("signed anew: {}; holds until {}", renewed.join(", "), refreshed.expires)
        });
        Ok(Verdict::Done)
    }
}
