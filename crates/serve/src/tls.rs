//! TLS for a server: none, from files, or by an authority of one's own.
//!
//! Everything runs on aws-lc-rs, given explicitly: no process-wide default is needed or changed.

mod authority;

pub use authority::Authority;

use rustls::{
    ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

/// How a server speaks TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tls {
    /// Not at all.
    #[default]
    Off,
    /// With a certificate and its key from PEM files. Spec: cli (`--tls CERT,KEY`).
    Pem {
        /// The leaf first, then the intermediate certificates.
        certificate: PathBuf,
        /// The private key of the leaf.
        key: PathBuf,
    },
    /// With a certificate issued on the spot by an [`Authority`]. Spec: cli (`--tls auto`).
    Auto {
        /// Where the authority is kept; it is made there if there is none.
        folder: PathBuf,
        /// Host names beside `localhost`, the loopback addresses and the listen address.
        names: Vec<String>,
    },
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file of the set-up cannot be read.
    #[error("{} cannot be read; check that it exists and may be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A PEM file does not hold what it should.
    #[error("{} holds no {wanted} in PEM form", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        wanted: &'static str,
        /// What was found instead.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// The key does not fit the certificate, or is of a kind that is not supported.
    #[error("certificate and key cannot be used together; check that both belong to one another")]
    Unusable(#[source] rustls::Error),
    /// The authority cannot be kept in its folder.
    #[error("the authority cannot be kept in {}; check that the folder may be written", folder.display())]
    Unwritable {
        /// The authority's folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others on this machine can read the authority's key, so it can prove nothing.
    #[error(
        "the key {} can be read by others (mode {mode:o}); delete it with ca.pem beside it, then \
         a new authority is made", path.display()
    )]
    KeyExposed {
        /// The key's file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The authority's key is damaged.
    #[error("the key {} is damaged; delete it with ca.pem beside it, then a new authority is made", path.display())]
    KeyDamaged {
        /// The key's file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: rcgen::Error,
    },
    /// A certificate could not be made.
    #[error("no certificate could be issued; check the host names given")]
    NotIssued(#[source] rcgen::Error),
}

/// TLS that is ready: how to accept, and which file a client has to trust.
pub(crate) struct Ready {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) authority: Option<PathBuf>,
}

impl Tls {
    /// Reads or makes what is needed. Blocks on the file system.
    pub(crate) fn prepare(&self, listen: IpAddr) -> Result<Option<Ready>, TlsError> {
        match self {
            Self::Off => Ok(None),
            Self::Pem { certificate, key } => {
                let (chain, key) = (read_chain(certificate)?, read_key(key)?);
                Ok(Some(Ready { config: server_config(chain, key)?, authority: None }))
            }
            Self::Auto { folder, names } => {
                let authority = Authority::in_folder(folder)?;
                let mut names = names.clone();
                names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
                if !listen.is_unspecified() {
                    names.push(listen.to_string());
                }
                names.sort_unstable();
                names.dedup();
                Ok(Some(Ready {
                    config: authority.server_config(&names)?,
                    authority: Some(authority.certificate_path().to_owned()),
                }))
            }
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let not_pem =
        |source| TlsError::NotPem { path: path.to_owned(), wanted: "certificate", source };
    let pem = read(path)?;
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(not_pem)?;
    if chain.is_empty() {
        return Err(not_pem(rustls::pki_types::pem::Error::NoItemsFound));
    }
    Ok(chain)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|source| TlsError::NotPem {
        path: path.to_owned(),
        wanted: "private key",
        source,
    })
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider: CryptoProvider = rustls::crypto::aws_lc_rs::default_provider();
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(TlsError::Unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(certificate: &Path, key: &Path) -> Result<(), TlsError> {
        let tls = Tls::Pem { certificate: certificate.to_owned(), key: key.to_owned() };
        tls.prepare(IpAddr::from([127, 0, 0, 1])).map(|_| ())
    }

    #[test]
    fn files_that_do_not_fit_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["a", "b"] {
            let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
            std::fs::write(path(&format!("{name}.pem")), made.cert.pem()).unwrap();
            std::fs::write(path(&format!("{name}.key")), made.signing_key.serialize_pem()).unwrap();
        }
        std::fs::write(path("text"), "no PEM at all").unwrap();
        assert!(pem(&path("a.pem"), &path("a.key")).is_ok());
        let error = pem(&path("a.pem"), &path("b.key")).unwrap_err();
        assert!(matches!(error, TlsError::Unusable(_)), "{error}");
        let error = pem(&path("text"), &path("a.key")).unwrap_err();
        assert!(matches!(error, TlsError::NotPem { wanted: "certificate", .. }), "{error}");
        let error = pem(&path("a.pem"), &path("text")).unwrap_err();
        assert!(matches!(error, TlsError::NotPem { wanted: "private key", .. }), "{error}");
        let error = pem(&path("none"), &path("a.key")).unwrap_err();
        assert!(matches!(error, TlsError::Unreadable { .. }), "{error}");
    }
}
