//! What every command that uses the network understands. `Spec: cli, any machine`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use headstart_model::{ErrorKind, Failure};
use headstart_sys::dirs::Home;
use headstart_transfer::{
    Client, ClientCertificate, ClientConfig, ConfigError, ExtraHeader, HeaderScope, HttpsPolicy,
};
use jiff::Timestamp;

use crate::input;

/// Most bytes of a file of authorities: all those of a system have far fewer.
const AUTHORITIES_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Most bytes of a certificate or key of this side.
const CERTIFICATE_BYTES_MAX: u64 = 1024 * 1024;

/// How servers are reached.
#[derive(Debug, Args)]
pub(crate) struct Network {
    /// Trust the certificate authorities in this file (PEM) too; may be given more than once
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    ca: Vec<PathBuf>,
    /// Send this header, such as a token, to the server; may be given more than once
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header, help_heading = "Network")]
    headers: Vec<ExtraHeader>,
    /// Show this certificate (PEM) to a server that wants one
    #[arg(long, value_name = "FILE", requires = "key", help_heading = "Network")]
    cert: Option<PathBuf>,
    /// The private key (PEM) of the certificate
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "Network")]
    key: Option<PathBuf>,
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
        self.client_with(now, ClientConfig::default().concurrency)
    }

    /// The same with so many connections.
    pub(crate) fn client_with(
        &self,
        now: Timestamp,
        concurrency: NonZeroUsize,
    ) -> Result<Client, Failure> {
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
            client_certificate: self.certificate()?,
            concurrency,
            ..ClientConfig::default()
        };
        Client::new(config, seed(now)).map_err(|error| match error {
            ConfigError::ClientCertificate => {
                Failure::from_error(ErrorKind::InvalidInput, "badCertificate", &error)
                    .with_hint("check the files given with --cert and --key: both PEM, and made for each other")
            }
            ConfigError::Header { .. } => {
                Failure::from_error(ErrorKind::Usage, "usage", &error)
                    .with_hint("a header is written `NAME: VALUE`")
            }
            _ => Failure::from_error(ErrorKind::InvalidInput, "badAuthority", &error)
                .with_hint("check the files given with --ca, and that the system has trusted authorities (package ca-certificates)"),
        })
    }

    fn certificate(&self) -> Result<Option<ClientCertificate>, Failure> {
        let (Some(cert), Some(key)) = (&self.cert, &self.key) else { return Ok(None) };
        let read = |path| input::read(path, CERTIFICATE_BYTES_MAX, ("file", "certificateMissing"));
        Ok(Some(ClientCertificate { chain_pem: read(cert)?, key_pem: read(key)? }))
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

/// A header as it is written on the command line.
pub(crate) fn header(text: &str) -> Result<ExtraHeader, String> {
    let (name, value) =
        text.split_once(':').ok_or_else(|| "a header is written `NAME: VALUE`".to_owned())?;
    let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
    Ok(ExtraHeader { scope: HeaderScope::EverySource, name, value })
}
