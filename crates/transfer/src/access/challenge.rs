//! What servers ask for, and what they are told.

use std::fmt;

use async_trait::async_trait;

/// Answers the challenges of servers for one download. `Spec: concepts 14 and api 5`.
///
/// Credentials that it gives are kept in memory as long as the [`Tracking`](crate::Tracking) of the download, go only to the
/// scheme, host and port that asked, and are never shown.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Answers one challenge. A transfer waits meanwhile; requests of the same download that meet the same challenge wait for
    /// the same answer.
    async fn answer(&self, challenge: &Challenge) -> Disposition;

    /// A credential that it gave has let a request of the server `origin` (scheme, host and port) through. Told once for each answer;
    /// returns soon.
    fn opened(&self, origin: &str, credential: &Credential) {
        let _ = (origin, credential);
    }

    /// Whether it is asked about certificates too: [`AuthenticationMethod::ClientCertificate`] and
    /// [`AuthenticationMethod::ServerTrust`]. Connections are its download's own then, and not shared with others.
    fn is_asked_about_certificates(&self) -> bool {
        true
    }
}

/// A question of a server.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// Who asks, and for what.
    pub space: ProtectionSpace,
    /// How many credentials the server has refused in this request already.
    pub previous_failures: u32,
    /// With [`AuthenticationMethod::ServerTrust`]: what the server shows.
    pub trust: Option<ServerTrust>,
}

/// The part of a server that a credential is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectionSpace {
    /// Scheme, host and port.
    pub origin: String,
    /// The realm that the server names.
    pub realm: Option<String>,
    /// What is asked for.
    pub method: AuthenticationMethod,
}

/// What a server asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthenticationMethod {
    /// A name and a password, in the clear. `Spec: RFC 7617`.
    Basic,
    /// A name and proof of a password. `Spec: RFC 7616`.
    Digest,
    /// A token. `Spec: RFC 6750`.
    Bearer,
    /// Another header than the one that was sent: the server refuses it, so it has probably expired. Asked once a request.
    Header,
    /// A certificate of this side.
    ClientCertificate,
    /// Trust in a certificate of the server that no known authority vouches for.
    ServerTrust,
}

/// A server's certificate that was refused.
#[derive(Debug, Clone)]
pub struct ServerTrust {
    /// The chain in DER form, the server's own certificate first.
    pub chain: Vec<Vec<u8>>,
    /// Why it is not trusted.
    pub problem: String,
}

/// What to do about a challenge.
#[derive(Debug, Clone)]
pub enum Disposition {
    /// Try this. One that does not fit what was asked for counts as [`Self::RejectProtectionSpace`].
    UseCredential(Credential),
    /// Do what would be done without an authenticator: a name and password in the URL are used, certificates that are not
    /// trusted are refused.
    DefaultHandling,
    /// End the transfer.
    Cancel,
    /// Leave this question, and hear the next that the server puts.
    RejectProtectionSpace,
}

/// Something that opens a door. `Debug` shows no secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Credential {
    /// For [`AuthenticationMethod::Basic`] and [`AuthenticationMethod::Digest`].
    Password {
        /// The user's name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// For [`AuthenticationMethod::Bearer`], and for [`AuthenticationMethod::Header`] where that was a token.
    Token(Secret),
    /// For [`AuthenticationMethod::Header`], where it takes the place of one of the same name, and for whatever else is asked for by
    /// 401: some servers name another way than the one that they mean.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: Secret,
    },
    /// For [`AuthenticationMethod::ClientCertificate`].
    ClientCertificate(ClientCertificate),
    /// For [`AuthenticationMethod::ServerTrust`]: this very certificate is trusted, for this server and download.
    TrustServer,
}

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Hides `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A certificate of this side and its key, both PEM. `Debug` shows neither.
#[derive(Clone)]
pub struct ClientCertificate {
    /// The certificate, and those between it and its authority.
    pub chain_pem: Vec<u8>,
    /// Its private key.
    pub key_pem: Vec<u8>,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_credential_shows_its_secret() {
        let password = Secret::new("hunter2");
        let pem = b"hunter2".to_vec();
        let certificate = ClientCertificate { chain_pem: pem.clone(), key_pem: pem };
        for credential in [
            Credential::Password { user: "me".to_owned(), password: password.clone() },
            Credential::Token(password.clone()),
            Credential::Header { name: "x-token".to_owned(), value: password },
            Credential::ClientCertificate(certificate),
        ] {
            let shown = format!("{:?}", Disposition::UseCredential(credential));
            assert!(!shown.contains("hunter2") && !shown.contains("104, 117"), "{shown}");
        }
    }
}
