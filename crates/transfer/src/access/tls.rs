//! TLS in which certificates may be asked about.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use headstart_model::Digest;
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::challenge::{ClientCertificate, ServerTrust};

/// What handshakes have shown.
#[derive(Debug, Default)]
pub(super) struct Seen {
    refused: Mutex<Option<ServerTrust>>,
    certificate_wanted: AtomicBool,
}

impl Seen {
    /// The last chain that was refused; it is told once.
    pub(super) fn take_refused(&self) -> Option<ServerTrust> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether the server asked for a certificate and got none; it is told once.
    pub(super) fn take_certificate_wanted(&self) -> bool {
        self.certificate_wanted.swap(false, Ordering::Relaxed)
    }
}

/// A certificate of this side in the form that TLS needs.
#[derive(Debug, Clone)]
pub(crate) struct Identity(Arc<CertifiedKey>);

impl Identity {
    /// None when the texts are not a certificate and the key that belongs to it.
    pub(crate) fn new(certificate: &ClientCertificate) -> Option<Self> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&certificate.chain_pem)
            .collect::<Result<_, _>>()
            .ok()?;
        let key = PrivateKeyDer::from_pem_slice(&certificate.key_pem).ok()?;
        if chain.is_empty() {
            return None;
        }
        CertifiedKey::from_der(chain, key, &provider()).ok().map(|key| Self(Arc::new(key)))
    }

    /// Settings for connections that show it.
    pub(crate) fn settings(
        self,
        authorities: &[CertificateDer<'static>],
    ) -> Result<rustls::ClientConfig, rustls::Error> {
        let trust = Trust { pinned: None, identity: Some(self) };
        settings(authorities, &trust, &Arc::default())
    }
}

/// The certificates in the texts; those that cannot be read were refused before.
pub(crate) fn authorities(texts: &[Vec<u8>]) -> Vec<CertificateDer<'static>> {
    texts
        .iter()
        .flat_map(|pem| CertificateDer::pem_slice_iter(pem))
        .filter_map(Result::ok)
        .collect()
}

/// What is trusted and shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Trust {
    /// The one certificate that is accepted without an authority.
    pub(super) pinned: Option<Digest>,
    pub(super) identity: Option<Identity>,
}

/// Settings for connections to one server that remember in `seen` what happened.
pub(super) fn settings(
    authorities: &[CertificateDer<'static>],
    trust: &Trust,
    seen: &Arc<Seen>,
) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(provider());
    let system = Verifier::new_with_extra_roots(authorities.to_vec(), provider.clone())?;
    let verifier = Watching { system, pinned: trust.pinned, seen: seen.clone() };
    let shown = trust.identity.as_ref().map(|identity| identity.0.clone());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(Showing { shown, seen: seen.clone() }));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

/// Verifies as the system does, except for one pinned certificate.
struct Watching {
    system: Verifier,
    pinned: Option<Digest>,
    seen: Arc<Seen>,
}

impl fmt::Debug for Watching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watching").field("pinned", &self.pinned).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Watching {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.pinned == Some(Digest::of(end_entity)) {
            return Ok(ServerCertVerified::assertion());
        }
        let verdict = self.system.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        if let Err(error) = &verdict {
            let chain = std::iter::once(end_entity).chain(intermediates);
            let chain = chain.map(|certificate| certificate.to_vec()).collect();
            let refused = ServerTrust { chain, problem: error.to_string() };
            *self.seen.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(refused);
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.system.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.system.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.system.supported_verify_schemes()
    }
}

/// Shows a certificate to a server that wants one, if there is one.
#[derive(Debug)]
struct Showing {
    shown: Option<Arc<CertifiedKey>>,
    seen: Arc<Seen>,
}

impl ResolvesClientCert for Showing {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        if self.shown.is_none() {
            self.seen.certificate_wanted.store(true, Ordering::Relaxed);
        }
        self.shown.clone()
    }

    // Else it would not be asked whether there is one.
    fn has_certs(&self) -> bool {
        true
    }
}
