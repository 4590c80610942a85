//! The credentials of one download, and the questions that lead to them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headstart_model::Digest;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use url::Url;

use super::challenge::{
    AuthenticationMethod, Authenticator, Challenge, Credential, Disposition, ProtectionSpace,
    Secret, ServerTrust,
};
use super::offers::{Authorization, Offer, offers, secret};
use super::tls::{self, Identity, Seen, Trust};
use crate::{Client, ConfigError, TransferError};

/// Most questions that one request may meet before it is left refused.
const QUESTIONS_MAX: u32 = 8;

/// What is known of the servers of one download. Gone with it.
#[derive(Default)]
pub(crate) struct Session {
    authenticator: Option<Arc<dyn Authenticator>>,
    known: Mutex<BTreeMap<String, Known>>,
    /// Held while somebody is asked, so that equal questions of several requests are put once.
    asking: tokio::sync::Mutex<()>,
}

/// What is known of one server.
#[derive(Debug, Default)]
struct Known {
    /// Counts the answers; a request that was sent before the last one is repeated without a question.
    generation: u64,
    authorization: Option<Authorization>,
    header: Option<(HeaderName, HeaderValue)>,
    /// The last answer, until it has let a request through.
    untried: Option<Credential>,
    trust: Trust,
    http: Option<(reqwest::Client, Arc<Seen>)>,
}

/// What one request has met.
#[derive(Debug, Default)]
pub(crate) struct Met {
    questions: u32,
    /// Credentials that were refused.
    failures: u32,
    /// A header of the caller went along.
    carried_header: bool,
    header_asked: bool,
    generation: u64,
}

impl Met {
    /// A header of the caller goes along.
    pub(crate) const fn carried_header(&mut self) {
        self.carried_header = true;
    }
}

/// Whether a request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// There are other credentials.
    Again,
    /// The answer stands.
    Stands,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    pub(crate) fn new(authenticator: Arc<dyn Authenticator>) -> Self {
        Self { authenticator: Some(authenticator), ..Self::default() }
    }

    /// Whether somebody is being asked.
    pub(crate) fn is_asking(&self) -> bool {
        self.asking.try_lock().is_err()
    }

    /// Puts credentials for `url` among the headers of a request, and says through which client it goes.
    pub(crate) fn prepare(
        &self,
        client: &Client,
        url: &Url,
        headers: &mut HeaderMap,
        met: &mut Met,
    ) -> Result<Option<reqwest::Client>, ConfigError> {
        let mut all = self.lock();
        // Where questions about certificates reach nobody the common connections will do.
        let asked = self.authenticator.as_ref().is_some_and(|it| it.is_asked_about_certificates());
        let asks = asked && url.scheme() == "https";
        let Some(known) = entry(&mut all, url, asks) else { return Ok(None) };
        met.generation = known.generation;
        if let Some(value) = known.authorization.as_mut().and_then(|held| held.header(url)) {
            headers.insert(header::AUTHORIZATION, value);
        }
        if let Some((name, value)) = &known.header {
            headers.insert(name.clone(), value.clone());
        }
        if !asks {
            return Ok(None);
        }
        if let Some((http, _)) = &known.http {
            return Ok(Some(http.clone()));
        }
        let seen = Arc::new(Seen::default());
        let settings = tls::settings(&client.inner.authorities, &known.trust, &seen)
            .map_err(ConfigError::Tls)?;
        let http = client.http_with(settings)?;
        known.http = Some((http.clone(), seen));
        Ok(Some(http))
    }

    /// What follows from the outcome of a request of `url`: maybe somebody is asked.
    pub(crate) async fn after(
        &self,
        url: &Url,
        sent: &Result<reqwest::Response, TransferError>,
        met: &mut Met,
    ) -> Result<Next, TransferError> {
        self.tell_opened(url, sent, met);
        if met.questions >= QUESTIONS_MAX {
            return Ok(Next::Stands);
        }
        let trust = self.question_of_tls(url, sent);
        let denied = sent.as_ref().is_ok_and(|answer| answer.status() == StatusCode::UNAUTHORIZED);
        if trust.is_none() && !denied {
            return Ok(Next::Stands);
        }
        let _asking = self.asking.lock().await;
        if self.generation(url) > met.generation {
            return Ok(Next::Again);
        }
        met.questions += 1;
        let found = match (trust, sent) {
            (Some(question), _) => self.ask_about_tls(url, question, met).await,
            (None, Ok(answer)) => self.ask_about(url, answer.headers(), met).await,
            (None, Err(_)) => Ok(false),
        };
        let found = found.map_err(|Cancelled| TransferError::Cancelled { url: url.into() })?;
        if found {
            met.failures += 1;
        }
        Ok(if found { Next::Again } else { Next::Stands })
    }

    /// Tells who answered that the answer was good.
    fn tell_opened(&self, url: &Url, sent: &Result<reqwest::Response, TransferError>, met: &Met) {
        let refused = |status: StatusCode| {
            matches!(status.as_u16(), 401 | 403 | 407) || status.is_server_error()
        };
        let let_through = sent.as_ref().is_ok_and(|answer| !refused(answer.status()));
        let Some(authenticator) = self.authenticator.as_ref().filter(|_| let_through) else {
            return;
        };
        let mut all = self.lock();
        let known = entry(&mut all, url, false);
        let known = known.filter(|known| known.generation == met.generation);
        let Some(credential) = known.and_then(|known| known.untried.take()) else { return };
        drop(all);
        authenticator.opened(&origin(url), &credential);
    }

    /// A question about certificates that the handshake raised and that may explain the failure.
    fn question_of_tls(
        &self,
        url: &Url,
        sent: &Result<reqwest::Response, TransferError>,
    ) -> Option<TlsQuestion> {
        let mut all = self.lock();
        let known = entry(&mut all, url, false)?;
        let (_, seen) = known.http.as_ref()?;
        let refused = seen.take_refused();
        let wanted = seen.take_certificate_wanted();
        match sent {
            Err(TransferError::Certificate { .. }) => refused.map(TlsQuestion::Trust),
            Err(_) if wanted => Some(TlsQuestion::Certificate),
            // Servers for which a certificate is optional answer, often with numbers of their own.
            Ok(answer)
                if wanted && matches!(answer.status().as_u16(), 400 | 401 | 403 | 495 | 496) =>
            {
                Some(TlsQuestion::Certificate)
            }
            _ => None,
        }
    }

    async fn ask_about_tls(
        &self,
        url: &Url,
        question: TlsQuestion,
        met: &Met,
    ) -> Result<bool, Cancelled> {
        let (method, trust) = match question {
            TlsQuestion::Certificate => (AuthenticationMethod::ClientCertificate, None),
            TlsQuestion::Trust(trust) => (AuthenticationMethod::ServerTrust, Some(trust)),
        };
        let leaf =
            trust.as_ref().and_then(|trust| trust.chain.first()).map(|leaf| Digest::of(leaf));
        let answer = self.ask(url, method, None, trust, met).await?;
        let found: Option<Trust> = match (answer, leaf) {
            (Disposition::UseCredential(Credential::TrustServer), Some(leaf)) => {
                Some(Trust { pinned: Some(leaf), identity: None })
            }
            (Disposition::UseCredential(Credential::ClientCertificate(certificate)), None) => {
                Identity::new(&certificate)
                    .map(|identity| Trust { pinned: None, identity: Some(identity) })
            }
            _ => None,
        };
        let Some(found) = found else { return Ok(false) };
        self.learn(url, |known| {
            known.trust.pinned = found.pinned.or(known.trust.pinned);
            known.trust.identity = found.identity.or(known.trust.identity.take());
            // Connections that stand were made without it.
            known.http = None;
        });
        Ok(true)
    }

    /// Puts the questions of an answer with 401, one after the other, until one is met with a credential.
    async fn ask_about(
        &self,
        url: &Url,
        headers: &HeaderMap,
        met: &mut Met,
    ) -> Result<bool, Cancelled> {
        if met.carried_header && !std::mem::replace(&mut met.header_asked, true) {
            let answer = self.ask(url, AuthenticationMethod::Header, None, None, met).await?;
            if let Disposition::UseCredential(credential) = answer
                && self.learn_header(url, credential)
            {
                return Ok(true);
            }
        }
        for offer in offers(headers) {
            let answer = self.ask(url, offer.method, offer.realm.clone(), None, met).await?;
            let credential = match answer {
                Disposition::UseCredential(credential) => credential,
                Disposition::DefaultHandling => {
                    return Ok(met.failures == 0 && self.use_url(url, offer));
                }
                Disposition::Cancel | Disposition::RejectProtectionSpace => continue,
            };
            if let Some(authorization) = offer.accept(&credential) {
                self.learn(url, |known| {
                    known.authorization = Some(authorization);
                    known.untried = Some(credential);
                });
                return Ok(true);
            }
            if self.learn_header(url, credential) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Has a credential go along that is a header, if it is one that can be sent.
    fn learn_header(&self, url: &Url, credential: Credential) -> bool {
        let header = match &credential {
            Credential::Header { name, value } => {
                HeaderName::try_from(name).ok().zip(secret(value.reveal()))
            }
            Credential::Token(token) => secret(&format!("Bearer {}", token.reveal()))
                .map(|value| (header::AUTHORIZATION, value)),
            _ => None,
        };
        let Some(header) = header.filter(|(name, _)| !crate::client::RESERVED.contains(name))
        else {
            return false;
        };
        self.learn(url, |known| {
            known.header = Some(header);
            known.untried = Some(credential);
        });
        true
    }

    /// Uses the name and password of the URL. For Basic they were sent unasked.
    fn use_url(&self, url: &Url, offer: Offer) -> bool {
        let Some(password) =
            url.password().filter(|_| offer.method == AuthenticationMethod::Digest)
        else {
            return false;
        };
        let decoded = |text: &str| {
            percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
        };
        let (user, password) = (decoded(url.username()), Secret::new(&decoded(password)));
        let Some(authorization) = offer.accept(&Credential::Password { user, password }) else {
            return false;
        };
        self.learn(url, |known| known.authorization = Some(authorization));
        true
    }

    async fn ask(
        &self,
        url: &Url,
        method: AuthenticationMethod,
        realm: Option<String>,
        trust: Option<ServerTrust>,
        met: &Met,
    ) -> Result<Disposition, Cancelled> {
        let Some(authenticator) = &self.authenticator else {
            return Ok(Disposition::DefaultHandling);
        };
        let space = ProtectionSpace { origin: origin(url), realm, method };
        let challenge = Challenge { space, previous_failures: met.failures, trust };
        match authenticator.answer(&challenge).await {
            Disposition::Cancel => Err(Cancelled),
            answer => Ok(answer),
        }
    }

    fn learn(&self, url: &Url, change: impl FnOnce(&mut Known)) {
        let mut all = self.lock();
        if let Some(known) = entry(&mut all, url, true) {
            known.generation += 1;
            change(known);
        }
    }

    fn generation(&self, url: &Url) -> u64 {
        self.lock().get(&origin(url)).map_or(0, |known| known.generation)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        // Nothing panics while it is held, and every state of it is a good one.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn entry<'k>(all: &'k mut BTreeMap<String, Known>, url: &Url, make: bool) -> Option<&'k mut Known> {
    // The common case, a download without any credential, costs no text.
    if all.is_empty() && !make {
        return None;
    }
    if make { Some(all.entry(origin(url)).or_default()) } else { all.get_mut(&origin(url)) }
}

#[derive(Debug)]
enum TlsQuestion {
    Certificate,
    Trust(ServerTrust),
}

/// Somebody who was asked wants the transfer to end.
struct Cancelled;
