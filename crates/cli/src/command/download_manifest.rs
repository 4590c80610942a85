//! `download-manifest`: the plain, unsigned list of packs, for self-hosting the simple way.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use headstart_model::download_manifest::{
    ArchivedPack, BaseUrl, DOWNLOAD_MANIFEST_BYTES_MAX, DownloadManifest as Manifest,
    DownloadManifestError, DownloadPack,
};
use headstart_model::packaging::PackagingManifest;
use headstart_model::{ErrorKind, Failure, PackVersion};
use headstart_sys::durable;
use headstart_sys::mode::Mode;
use serde_json::json;

use super::Verdict;
use crate::context::Context;
use crate::output::{size, table};
use crate::{archive, failure, input};

/// Makes or updates the plain, unsigned download manifest of self-hosted packs
#[derive(Debug, Args)]
pub(crate) struct DownloadManifest {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Create(Create),
    Update(Update),
}

/// Makes a new download manifest
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  headstart download-manifest create level1.assetpack level2.assetpack \
    --download-base-url https://assets.example.com/packs -o manifest.json\n  \
    headstart download-manifest create level1.assetpack --download-base-url https://assets.example.com \
    --versions 3 -o manifest.json\n\n\
    The archive of each pack is expected at the base URL, a slash and the id of the pack, without a suffix.\n\
    `{version}` in the base URL stands for the version of the pack, so that each has an address of its own:\n\
    https://assets.example.com/packs/{version} makes https://assets.example.com/packs/3/level1.\n\
    Upload the archives first and the manifest last, and never change an archive that devices know."
)]
struct Create {
    /// The archives
    #[arg(value_name = "PACK", required = true)]
    packs: Vec<PathBuf>,
    /// Where the archives are served; `{version}` in it stands for the version of each
    #[arg(long, value_name = "URL")]
    download_base_url: BaseUrl,
    /// The manifest; one that exists is replaced
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Versions of the packs, by position; 0 for those without one
    #[arg(long, value_name = "N", num_args = 1..)]
    versions: Vec<PackVersion>,
}

/// Raises the versions of packs in a download manifest, or adds packs
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  headstart download-manifest update manifest.json level1.assetpack \
    --download-base-url https://assets.example.com/packs/{version}\n  \
    headstart download-manifest update manifest.json level1.assetpack\n\n\
    Packs that are not named stay as they are, and without a base URL so does the address of those that are: then\n\
    devices that have read the former manifest find another archive than it says, until they read the new one."
)]
struct Update {
    /// The manifest, which is replaced
    #[arg(value_name = "FILE")]
    manifest: PathBuf,
    /// The new archives
    #[arg(value_name = "PACK", required = true)]
    packs: Vec<PathBuf>,
    /// Where the named archives are served from now on; `{version}` in it stands for the version of each
    #[arg(long, value_name = "URL")]
    download_base_url: Option<BaseUrl>,
}

impl DownloadManifest {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let (path, manifest) = match &self.task {
            Task::Create(create) => (&create.output, create.manifest()?),
            Task::Update(update) => (&update.manifest, update.manifest(context)?),
        };
        write(path, &manifest.to_json())?;
        let listed = manifest.asset_packs.iter();
        let document = listed.map(|pack| {
            json!({
                "id": pack.id, "version": pack.version, "url": pack.url,
                "downloadSize": pack.download_size,
            })
        });
        let document = json!({"assetPacks": document.collect::<Vec<_>>()});
        context.output.document(&document, || text(path, &manifest));
        Ok(Verdict::Done)
    }
}

impl Create {
    fn manifest(&self) -> Result<Manifest, Failure> {
        let opened = open(&self.packs)?;
        Manifest::create(&self.download_base_url, &archived(&opened), &self.versions)
            .map_err(|error| refused(&error))
    }
}

impl Update {
    fn manifest(&self, context: &Context) -> Result<Manifest, Failure> {
        let limit = DOWNLOAD_MANIFEST_BYTES_MAX as u64;
        let bytes = input::read(&self.manifest, limit, ("download manifest", "manifestMissing"))?;
        let within = |error: &DownloadManifestError| {
            refused(error).within(format!("`{}` cannot be updated", self.manifest.display()))
        };
        let mut manifest = Manifest::from_json(&bytes).map_err(|error| within(&error))?;
        let opened = open(&self.packs)?;
        let before = manifest.clone();
        manifest
            .update(self.download_base_url.as_ref(), &archived(&opened))
            .map_err(|error| within(&error))?;
        for (packaged, _) in &opened {
            let id = &packaged.asset_pack_id;
            let listed = before.pack(id).zip(manifest.pack(id));
            if let Some((_, now)) = listed.filter(|(before, now)| before.url == now.url) {
                context.output.remark(kept_address(now));
            }
        }
        Ok(manifest)
    }
}

/// `Spec: packs 4.1`: a published archive is never changed.
fn kept_address(pack: &DownloadPack) -> String {
    format!(
        "version {} of `{}` takes the address of the version before it: devices that still go by the former manifest refuse \
         what they find there. `--download-base-url` with {{version}} in it gives each version an address of its own.",
        pack.version, pack.id
    )
}

type Opened = (PackagingManifest, u64);

fn open(packs: &[PathBuf]) -> Result<Vec<Opened>, Failure> {
    let one = |path: &PathBuf| {
        let reader = archive::open(path)?;
        Ok((archive::manifest(path, &reader)?, reader.header().archive_bytes()))
    };
    packs.iter().map(one).collect()
}

fn archived(opened: &[Opened]) -> Vec<ArchivedPack<'_>> {
    opened
        .iter()
        .map(|(manifest, archive_bytes)| ArchivedPack { manifest, archive_bytes: *archive_bytes })
        .collect()
}

fn refused(error: &DownloadManifestError) -> Failure {
    let (kind, code) = match error {
        DownloadManifestError::Versions { .. } | DownloadManifestError::BaseUrlMissing { .. } => {
            (ErrorKind::Usage, "usage")
        }
        _ => (ErrorKind::InvalidInput, "downloadManifestRefused"),
    };
    Failure::from_error(kind, code, error)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = durable::write_file(&failure::output_place(path)?, bytes, Mode::SHARED);
    written.map_err(|error| failure::of_file(&error))
}

fn text(path: &Path, manifest: &Manifest) -> String {
    let rows = manifest.asset_packs.iter().map(|pack| {
        let version = format!("version {}", pack.version);
        vec![pack.id.to_string(), version, size(pack.download_size), pack.url.to_string()]
    });
    format!("{}\nwritten to {}", table(&rows.collect::<Vec<_>>()), path.display())
}
