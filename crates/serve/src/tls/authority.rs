//! A certificate authority that only the Headstart processes of one home trust.
//!
//! | File | Holds |
//! |---|---|
//! | `ca-key.pem` | the private key, readable by its owner alone; whoever has it can pose as any server towards this home |
//! | `ca.pem` | the certificate, for clients to trust; valid for ten years |
//!
//! Leaves and their keys live in memory only and are valid for 397 days, the longest that
//! platforms accept: a server that runs longer has to be restarted.

use super::{TlsError, server_config};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
};
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};
use time::{Duration, OffsetDateTime};

const KEY_FILE: &str = "ca-key.pem";
const CERTIFICATE_FILE: &str = "ca.pem";

/// An authority in a folder.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate_path: PathBuf,
}

impl Authority {
    /// Opens the authority of a folder, and makes it (and the folder, for its owner alone) if there
    /// is none. Processes that do so at the same moment agree on one authority. Blocks on the file
    /// system.
    ///
    /// # Errors
    /// [`TlsError`] if the folder cannot be written, or if its key is damaged or readable by
    /// others; nothing is replaced then.
    pub fn in_folder(folder: &Path) -> Result<Self, TlsError> {
        let unwritable = |source| TlsError::Unwritable { folder: folder.to_owned(), source };
        make_private_folder(folder).map_err(unwritable)?;
        let key_path = folder.join(KEY_FILE);
        if !key_path.try_exists().map_err(unwritable)? {
            let key = KeyPair::generate().map_err(TlsError::NotIssued)?;
            // Of two processes that get here, the second takes over the key of the first.
            write_if_absent(folder, &key_path, &key.serialize_pem()).map_err(unwritable)?;
        }
        let key = read_key(&key_path)?;
        let params = params(&key);
        let certificate_path = folder.join(CERTIFICATE_FILE);
        if !certifies(&certificate_path, &key) {
            let certificate = params.self_signed(&key).map_err(TlsError::NotIssued)?;
            replace(folder, &certificate_path, &certificate.pem()).map_err(unwritable)?;
        }
        Ok(Self { issuer: Issuer::new(params, key), certificate_path })
    }

    /// The file that clients have to trust: one certificate in PEM form.
    #[must_use]
    pub fn certificate_path(&self) -> &Path {
        &self.certificate_path
    }

    /// Issues a certificate for these host names and addresses, and makes a server's TLS set-up of
    /// it that offers `h2` and `http/1.1`.
    ///
    /// # Errors
    /// [`TlsError::NotIssued`] if a name cannot stand in a certificate.
    pub fn server_config(&self, names: &[String]) -> Result<Arc<ServerConfig>, TlsError> {
        let key = KeyPair::generate().map_err(TlsError::NotIssued)?;
        let mut params = CertificateParams::new(names).map_err(TlsError::NotIssued)?;
        let now = OffsetDateTime::now_utc();
        // A day back: clocks of devices under test are rarely exact.
        params.not_before = now - Duration::days(1);
        params.not_after = now + Duration::days(396);
        params.distinguished_name.push(DnType::CommonName, "Headstart development server");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&key, &self.issuer).map_err(TlsError::NotIssued)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        server_config(vec![leaf.der().clone()], key)
    }
}

/// What the authority's certificate says. The name holds a part of the key's hash: authorities of
/// several homes must not be taken for one another.
fn params(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    let hash = blake3::hash(&key.subject_public_key_info()).to_hex();
    let mark: String = hash.chars().take(12).collect();
    params.distinguished_name.push(DnType::CommonName, format!("Headstart local authority {mark}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::days(1);
    params.not_after = now + Duration::days(3650);
    params
}

fn read_key(path: &Path) -> Result<KeyPair, TlsError> {
    let unreadable = |source| TlsError::Unreadable { path: path.to_owned(), source };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(TlsError::KeyExposed { path: path.to_owned(), mode });
        }
    }
    let pem = std::fs::read_to_string(path).map_err(unreadable)?;
    KeyPair::from_pem(&pem).map_err(|source| TlsError::KeyDamaged { path: path.to_owned(), source })
}

/// Whether there is a certificate for this very key. A certificate holds its subject's public key
/// as it is, so no parser is needed to tell.
fn certifies(certificate: &Path, key: &KeyPair) -> bool {
    let public = key.subject_public_key_info();
    std::fs::read(certificate)
        .ok()
        .and_then(|pem| CertificateDer::from_pem_slice(&pem).ok())
        .is_some_and(|der| der.windows(public.len()).any(|part| part == public))
}

fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Temporary files are made for their owner alone, which is what the key needs. Windows: the
/// folder's own access list decides; this was not run there.
fn write_temporary(folder: &Path, text: &str) -> io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn write_if_absent(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    match write_temporary(folder, text)?.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

fn replace(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    write_temporary(folder, text)?.persist(path).map(|_| ()).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(authority: &Authority) -> Vec<u8> {
        std::fs::read(authority.certificate_path()).unwrap()
    }

    #[test]
    fn authority_is_kept_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("a/b");
        let first = certificate(&Authority::in_folder(&home).unwrap());
        assert_eq!(certificate(&Authority::in_folder(&home).unwrap()), first);
    }

    #[test]
    fn processes_that_begin_together_agree_on_one_authority() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| Authority::in_folder(folder.path()).unwrap());
            }
        });
        let key = read_key(&folder.path().join(KEY_FILE)).unwrap();
        assert!(certifies(&folder.path().join(CERTIFICATE_FILE), &key));
    }

    #[test]
    fn certificate_of_a_lost_key_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let first = certificate(&Authority::in_folder(folder.path()).unwrap());
        std::fs::remove_file(folder.path().join(KEY_FILE)).unwrap();
        let second = certificate(&Authority::in_folder(folder.path()).unwrap());
        assert_ne!(first, second);
        std::fs::write(folder.path().join(CERTIFICATE_FILE), "junk").unwrap();
        let third = Authority::in_folder(folder.path()).unwrap();
        assert!(certifies(third.certificate_path(), third.issuer.key()));
    }

    #[cfg(unix)]
    #[test]
    fn key_is_private_and_refused_once_it_is_not() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        Authority::in_folder(&home).unwrap();
        let key = home.join(KEY_FILE);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&key), 0o600);
        assert_eq!(mode(&home), 0o700);
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = Authority::in_folder(&home).unwrap_err();
        assert!(matches!(error, TlsError::KeyExposed { mode: 0o640, .. }), "{error}");
    }

    #[test]
    fn damaged_key_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        Authority::in_folder(folder.path()).unwrap();
        let key = folder.path().join(KEY_FILE);
        std::fs::write(&key, "junk").unwrap();
        let error = Authority::in_folder(folder.path()).unwrap_err();
        assert!(matches!(error, TlsError::KeyDamaged { .. }), "{error}");
        assert_eq!(std::fs::read(&key).unwrap(), b"junk");
    }

    #[test]
    fn names_that_no_certificate_can_hold_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::in_folder(folder.path()).unwrap();
        assert!(authority.server_config(&["::1".to_owned(), "host.example".to_owned()]).is_ok());
        let error = authority.server_config(&["schön".to_owned()]).unwrap_err();
        assert!(matches!(error, TlsError::NotIssued(_)), "{error}");
    }
}
