//! Servers' questions, put to whoever scheduled the download. `Spec: concepts 14`.

use std::time::Duration;

use async_trait::async_trait;
use headstart_engine::{Challenged, ClientId, DownloadId, EffectId, Event, Reply};
use headstart_model::protocol::downloads::{
    AuthenticationMethod, ChallengeAnswer, ChallengeCredential, DownloadChallenge,
};
use headstart_model::{Headers, ServerOrigin};
use headstart_transfer::{
    AuthenticationMethod as Asked, Authenticator, Challenge, Credential, Disposition, Secret,
};
use url::{Host, Url};

use crate::inbox::CoreHandle;
use crate::server_headers;

/// The calls of the service itself are made by nobody's connection.
pub(crate) const SERVICE: ClientId = ClientId(0);

/// How long a transfer waits for an answer: it holds a place among those that run.
const PATIENCE: Duration = Duration::from_mins(2);

struct Withdrawal {
    core: CoreHandle,
    about: Challenged,
}

impl Drop for Withdrawal {
    fn drop(&mut self) {
        self.core.event(Event::ChallengeWithdrawn { about: self.about });
    }
}

/// Puts the challenges of one download, or of an app's content, to the engine, which knows whom to ask.
#[derive(Debug)]
pub(super) struct Challenger {
    core: CoreHandle,
    about: Challenged,
}

impl Challenger {
    /// For a single file.
    pub(super) const fn of_file(core: CoreHandle, download: DownloadId) -> Self {
        Self { core, about: Challenged::File(download) }
    }

    /// For what an effect fetches of an app's content.
    pub(super) const fn of_content(core: CoreHandle, effect: EffectId) -> Self {
        Self { core, about: Challenged::Content(effect) }
    }
}

#[async_trait]
impl Authenticator for Challenger {
    async fn answer(&self, challenge: &Challenge) -> Disposition {
        let (about, challenge) = (self.about, told(challenge));
        let event = move |caller| Event::ChallengeRaised { caller, about, challenge };
        // However this ends: an answer that nobody waits for must not be asked for.
        let _withdrawal = Withdrawal { core: self.core.clone(), about };
        match tokio::time::timeout(PATIENCE, self.core.call(SERVICE, event)).await {
            Ok(Ok(Reply::Challenge(answer))) => disposition(answer),
            _ => Disposition::DefaultHandling,
        }
    }

    fn opened(&self, origin: &str, credential: &Credential) {
        let Challenged::Content(effect) = self.about else { return };
        let Some((server, headers)) = ServerOrigin::of(origin).zip(headers_of(credential)) else {
            return;
        };
        // Kept, for who named it may not be there the next time.
        if server_headers::check(&headers).is_ok() {
            self.core.event(Event::ServerHeaderLearned { effect, server, headers });
        }
    }

    fn is_asked_about_certificates(&self) -> bool {
        // Content is shared out over connections that all packs use, and its signature is what vouches for it.
        matches!(self.about, Challenged::File(_))
    }
}

/// The header that a credential comes to, if it does. A password does not: how it is shown depends on what the server asks.
fn headers_of(credential: &Credential) -> Option<Headers> {
    let (name, value) = match credential {
        Credential::Header { name, value } => (name.clone(), value.reveal().to_owned()),
        Credential::Token(token) => {
            ("authorization".to_owned(), format!("Bearer {}", token.reveal()))
        }
        _ => return None,
    };
    Some([(name, value)].into_iter().collect())
}

fn told(challenge: &Challenge) -> DownloadChallenge {
    let origin = challenge.space.origin.clone();
    let host = host_of(&origin);
    let certificate = challenge.trust.as_ref().and_then(|trust| trust.chain.first());
    DownloadChallenge {
        origin,
        host,
        method: match challenge.space.method {
            Asked::Basic => AuthenticationMethod::Basic,
            Asked::Digest => AuthenticationMethod::Digest,
            Asked::Bearer => AuthenticationMethod::Bearer,
            Asked::ClientCertificate => AuthenticationMethod::ClientCertificate,
            Asked::ServerTrust => AuthenticationMethod::ServerTrust,
            _ => AuthenticationMethod::Header,
        },
        realm: challenge.space.realm.clone(),
        previous_failure_count: challenge.previous_failures,
        certificate_blake3: certificate
            .map(|certificate| headstart_model::Digest::of(certificate).to_string()),
    }
}

/// The host of an origin, without brackets where it is an address of IPv6.
fn host_of(origin: &str) -> String {
    match Url::parse(origin).ok().as_ref().and_then(Url::host) {
        Some(Host::Ipv6(address)) => address.to_string(),
        Some(host) => host.to_string(),
        None => origin.to_owned(),
    }
}

fn disposition(answer: ChallengeAnswer) -> Disposition {
    match answer {
        ChallengeAnswer::UseCredential(credential) => {
            Disposition::UseCredential(credential_of(credential))
        }
        ChallengeAnswer::CancelAuthenticationChallenge => Disposition::Cancel,
        ChallengeAnswer::RejectProtectionSpace => Disposition::RejectProtectionSpace,
        _ => Disposition::DefaultHandling,
    }
}

fn credential_of(credential: ChallengeCredential) -> Credential {
    match credential {
        ChallengeCredential::Password { user, password } => {
            Credential::Password { user, password: Secret::new(&password) }
        }
        ChallengeCredential::Header { name, value } => {
            Credential::Header { name, value: Secret::new(&value) }
        }
        ChallengeCredential::TrustServer {} => Credential::TrustServer,
        ChallengeCredential::Token { token } => Credential::Token(Secret::new(&token)),
        // A kind of a later protocol opens nothing here.
        _ => Credential::Token(Secret::new("")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_origin_is_the_host_alone() {
        for (origin, host) in [
            ("https://assets.example.com", "assets.example.com"),
            ("http://127.0.0.1:8080", "127.0.0.1"),
            ("https://[2001:db8::1]", "2001:db8::1"),
            ("https://[2001:db8::1]:8443", "2001:db8::1"),
        ] {
            assert_eq!(host_of(origin), host);
        }
    }
}
