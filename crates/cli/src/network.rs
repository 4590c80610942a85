//! What every command that uses the network understands. `Spec: cli, any machine`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use headstart_model::{ErrorKind, Failure, Headers};
use headstart_sys::dirs::Home;
use headstart_transfer::{
    Client, ClientCertificate, ClientConfig, ConfigError, ExtraHeader, HeaderScope, HttpsPolicy,
    Secret,
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
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = secret, help_heading = "Network")]
    headers: Vec<Secret>,
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
            headers: self.extra_headers()?,
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

    fn extra_headers(&self) -> Result<Vec<ExtraHeader>, Failure> {
        let headers = headers(&self.headers)?;
        let extra = headers.iter().map(|(name, value)| ExtraHeader {
            scope: HeaderScope::EverySource,
            name: name.to_owned(),
            value: value.to_owned(),
        });
        Ok(extra.collect())
    }

    fn certificate(&self) -> Result<Option<ClientCertificate>, Failure> {
        let (Some(cert), Some(key)) = (&self.cert, &self.key) else { return Ok(None) };
        let read = |path| input::read(path, CERTIFICATE_BYTES_MAX, ("file", "certificateMissing"));
        Ok(Some(ClientCertificate { chain_pem: read(cert)?, key_pem: read(key)? }))
    }
}

/// A failure of a transfer, with the option of these commands that is the way out.
pub(crate) fn advised(failure: Failure) -> Failure {
    let hint = match failure.code.as_str() {
        "certificateNotTrusted" => {
            "check this machine's clock; a private server's authority is trusted with `--ca FILE`"
        }
        "insecureUrl" => "use an https address, or allow plain http with `--insecure`",
        _ => return failure,
    };
    failure.with_hint(hint)
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

/// Headers as they were written on the command line. What cannot be one is not repeated: it may be a secret.
///
/// # Errors
/// Of kind `usage`.
pub(crate) fn headers(texts: &[Secret]) -> Result<Headers, Failure> {
    let lines: Vec<_> = texts.iter().map(Secret::reveal).collect();
    Headers::parse(&lines.join("\n")).map_err(|error| {
        Failure::from_error(ErrorKind::Usage, "usage", &error)
            .with_hint("a header is written `NAME: VALUE`")
    })
}

/// Takes any text: what is wrong with it is told without it.
#[allow(clippy::unnecessary_wraps, reason = "the form that the parser of command lines takes")]
pub(crate) fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}
