//! What every command that uses the network understands. `Spec: cli, any machine`.

use std::path::PathBuf;

use clap::Args;
use headstart_model::{ErrorKind, Failure};
use headstart_sys::dirs::Home;
use headstart_transfer::{Client, ClientConfig, ExtraHeader, HeaderScope, HttpsPolicy};
use jiff::Timestamp;

use crate::input;

/// Most bytes of a file of authorities: all those of a system have far fewer.
const AUTHORITIES_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// How servers are reached.
#[derive(Debug, Args)]
pub(crate) struct Network {
    /// Trust the certificate authorities in this file (PEM) too; may be given more than once
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    ca: Vec<PathBuf>,
    /// Send this header, such as a token, to the server; may be given more than once
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header, help_heading = "Network")]
    headers: Vec<ExtraHeader>,
    /// Allow plain http for servers on other machines too
    #[arg(long, help_heading = "Network")]
    insecure: bool,
}

impl Network {
    /// Where plain http is allowed.
    pub(crate) const fn https(&self) -> HttpsPolicy {
        if self.insecure { HttpsPolicy::AllowHttp } else { HttpsPolicy::HttpOnLoopback }
    }

    /// A client by these settings. It trusts the authority of `serve --tls auto` of the same home too.
    pub(crate) fn client(&self, now: Timestamp) -> Result<Client, Failure> {
        let mut authorities = Vec::new();
        for path in &self.ca {
            authorities.push(input::read(
                path,
                AUTHORITIES_BYTES_MAX,
                ("file", "authorityMissing"),
            )?);
        }
        if let Ok(home) = Home::from_environment() {
            authorities.extend(std::fs::read(local_authority(&home).join("ca.pem")).ok());
        }
        let config = ClientConfig {
            extra_authorities: authorities,
            headers: self.headers.clone(),
            https: self.https(),
            ..ClientConfig::default()
        };
        Client::new(config, seed(now)).map_err(|error| {
            Failure::from_error(ErrorKind::InvalidInput, "badAuthority", &error)
                .with_hint("check the files given with --ca, and that the system has trusted authorities (package ca-certificates)")
        })
    }
}

/// Where the authority of `serve --tls auto` is kept.
pub(crate) fn local_authority(home: &Home) -> PathBuf {
    home.authority_folder()
}

/// Differs from process to process, so that many that fail together do not try again together.
fn seed(now: Timestamp) -> u64 {
    let nanoseconds = now.as_nanosecond().to_le_bytes();
    let mut hasher = headstart_model::DigestHasher::new();
    hasher.update(&nanoseconds);
    hasher.update(&std::process::id().to_le_bytes());
    let digest = hasher.finish();
    let (numbers, _) = digest.as_bytes().as_chunks::<8>();
    numbers.iter().fold(0, |seed, number| seed ^ u64::from_le_bytes(*number))
}

fn header(text: &str) -> Result<ExtraHeader, String> {
    let (name, value) =
        text.split_once(':').ok_or_else(|| "a header is written `NAME: VALUE`".to_owned())?;
    let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
    Ok(ExtraHeader { scope: HeaderScope::EverySource, name, value })
}
