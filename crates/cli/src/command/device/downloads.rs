//! `downloads`: the queue, as the person at the device sees it.

use clap::{Args, Subcommand};
use headstart::AppId;
use headstart::queue::{QueueAction, QueueEntry, QueueSubject};
use headstart_model::Failure;
use serde_json::{Value, json};

use super::super::Verdict;
use super::{connector, failed};
use crate::context::Context;
use crate::output::{size, table};

/// Shows what is being downloaded, and changes it
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Downloads {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Lists everything that is being downloaded, oldest first
    #[command(
        after_help = "Examples:\n  headstart downloads list\n  headstart downloads list --app com.example.game --json"
    )]
    List {
        /// Only downloads of this app
        #[arg(long)]
        app: Option<AppId>,
    },
    /// Holds a download; what has arrived stays
    #[command(after_help = "Examples:\n  headstart downloads pause 12")]
    Pause(One),
    /// Goes on with a download that was paused
    #[command(after_help = "Examples:\n  headstart downloads resume 12")]
    Resume(One),
    /// Has a download go before everything that nobody waits for
    #[command(
        after_help = "Examples:\n  headstart downloads promote 12\n  headstart downloads promote level-2 --app com.example.game"
    )]
    Promote(One),
    /// Ends a download; whoever scheduled it is told
    #[command(after_help = "Examples:\n  headstart downloads cancel 12")]
    Cancel(One),
}

#[derive(Debug, Args)]
struct One {
    /// Its number in the list, or its identifier
    id: String,
    /// The app, where several have a download of this identifier
    #[arg(long)]
    app: Option<AppId>,
}

impl Downloads {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        match &self.what {
            What::List { app } => list(context, app.as_ref()),
            What::Pause(one) => change(context, one, QueueAction::Pause),
            What::Resume(one) => change(context, one, QueueAction::Resume),
            What::Promote(one) => change(context, one, QueueAction::Promote),
            What::Cancel(one) => change(context, one, QueueAction::Cancel),
        }
    }
}

fn list(context: &Context, app: Option<&AppId>) -> Result<Verdict, Failure> {
    let entries = context.block_on(async {
        let queue = connector(context, app).queue().map_err(failed)?;
        queue.list().await.map_err(failed)
    })?;
    context.output.document(&describe(&entries), || {
        if entries.is_empty() { "Nothing is being downloaded.".to_owned() } else { text(&entries) }
    });
    Ok(Verdict::Done)
}

/// Changes a download, and shows how it is then: nothing when it has ended by that.
fn change(context: &Context, one: &One, action: QueueAction) -> Result<Verdict, Failure> {
    let left: Vec<_> = context.block_on(async {
        let queue = connector(context, one.app.as_ref()).queue().map_err(failed)?;
        queue.change(&one.id, action).await.map_err(failed)?;
        let entries = queue.list().await.map_err(failed)?;
        Ok(entries.into_iter().filter(|entry| is_meant(entry, &one.id)).collect())
    })?;
    context.output.document(&describe(&left), || match action {
        QueueAction::Cancel => format!("Download {} is cancelled.", one.id),
        _ if left.is_empty() => format!("Download {} has ended meanwhile.", one.id),
        _ => text(&left),
    });
    Ok(Verdict::Done)
}

fn is_meant(entry: &QueueEntry, id: &str) -> bool {
    let named = matches!(&entry.subject, QueueSubject::Identifier(it) if it == id);
    named || entry.id.to_string() == id
}

fn describe(entries: &[QueueEntry]) -> Value {
    let entry = |entry: &QueueEntry| {
        json!({
            "id": entry.id,
            "app": entry.app,
            "subject": entry.subject,
            "state": entry.state,
            "priority": entry.priority,
            "essential": entry.essential,
            "foreground": entry.foreground,
            "paused": entry.paused,
            "bytesDone": entry.bytes_done,
            "bytesTotal": entry.bytes_total,
        })
    };
    json!({ "downloads": entries.iter().map(entry).collect::<Vec<_>>() })
}

fn text(entries: &[QueueEntry]) -> String {
    let mut rows = vec![["ID", "APP", "WHAT", "STATE", "DONE", ""].map(str::to_owned).to_vec()];
    rows.extend(entries.iter().map(|entry| {
        let what = match &entry.subject {
            QueueSubject::Pack(pack) => format!("pack {pack}"),
            QueueSubject::Identifier(identifier) => identifier.clone(),
        };
        let state = if entry.paused { "paused" } else { entry.state.as_str() };
        vec![
            entry.id.to_string(),
            entry.app.to_string(),
            what,
            state.to_owned(),
            done(entry),
            why(entry),
        ]
    }));
    table(&rows)
}

fn done(entry: &QueueEntry) -> String {
    match entry.bytes_total {
        Some(total) => format!("{} of {}", size(entry.bytes_done), size(total)),
        None => size(entry.bytes_done),
    }
}

/// What decides its place in the queue.
fn why(entry: &QueueEntry) -> String {
    let mut why = Vec::new();
    if entry.essential {
        why.push("essential".to_owned());
    }
    if entry.foreground {
        why.push("foreground".to_owned());
    }
    if entry.priority.get() != 0 {
        why.push(format!("priority {}", entry.priority.get()));
    }
    why.join(", ")
}
