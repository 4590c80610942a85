//! `repo init`: a new signed repository.

use clap::Args;
use headstart_model::Failure;
use headstart_repo::author::{KeysPlace, Lifetimes, init};
use serde_json::json;

use super::place::{Repository, Signing};
use crate::command::Verdict;
use crate::context::Context;

/// Makes a new signed repository, and keys for it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart repo init assets-repo\n  \
    headstart repo init assets-repo --keys ../keys\n\n\
    The first root (metadata/root.json) goes into app bundles: devices trust what it says.\n\
    Keep a copy of the keys; without them nothing can be published any more.")]
pub(crate) struct Init {
    /// An empty folder, or a new one
    repo: Repository,
    #[command(flatten)]
    signing: Signing,
}

impl Init {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let keys = match self.signing.named() {
            Some(folder) => KeysPlace::Folder(folder.to_owned()),
            None => KeysPlace::Under(context.home()?.keys_folder()),
        };
        let made = init(self.repo.folder(), &keys, Lifetimes::default(), context.now())
            .map_err(|error| error.to_failure())?;
        let document =
            json!({"root": made.root, "fingerprint": made.fingerprint, "keys": made.keys});
        context.output.document(&document, || {
            let (root, fingerprint, keys) =
                (made.root.display(), made.fingerprint, made.keys.display());
            let told =
                format!("root         {root}\nfingerprint  {fingerprint}\nkeys         {keys}");
            let keys = self.signing.named().map_or_else(String::new, |_| format!(" --keys {keys}"));
            let repo = self.repo.folder().display();
            format!("{told}\nnext         headstart repo publish {repo} PACK.assetpack{keys}")
        });
        Ok(Verdict::Done)
    }
}
