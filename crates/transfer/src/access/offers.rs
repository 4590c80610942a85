//! The ways in which a server lets itself be asked, and the answers to them.

use http::{HeaderMap, HeaderValue, header};
use http_auth::{ChallengeRef, DigestClient, PasswordParams, parse_challenges};
use url::Url;

use super::challenge::{AuthenticationMethod, Credential};

/// Most challenges of one answer that are looked at.
const OFFERS_MAX: usize = 16;

/// One way that a server offers.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) method: AuthenticationMethod,
    pub(super) realm: Option<String>,
    digest: Option<DigestClient>,
}

/// What goes into the header `Authorization`.
#[derive(Debug)]
pub(super) enum Authorization {
    Fixed(HeaderValue),
    /// Computed anew for each request.
    Digest {
        client: Box<DigestClient>,
        user: String,
        password: String,
    },
}

impl Authorization {
    /// The header for a request of `url`.
    pub(super) fn header(&mut self, url: &Url) -> Option<HeaderValue> {
        match self {
            Self::Fixed(value) => Some(value.clone()),
            Self::Digest { client, user, password } => {
                let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
                let uri = format!("{}{query}", url.path());
                let parameters = PasswordParams {
                    username: user,
                    password,
                    uri: &uri,
                    method: "GET",
                    body: Some(&[]),
                };
                secret(&client.respond(&parameters).ok()?)
            }
        }
    }
}

/// The offers of an answer, the safest first. What cannot be read is left out.
pub(super) fn offers(headers: &HeaderMap) -> Vec<Offer> {
    let texts =
        headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|text| text.to_str().ok());
    let parsed = texts.filter_map(|text| parse_challenges(text).ok()).flatten();
    let mut offers: Vec<_> = parsed.take(OFFERS_MAX).filter_map(|found| offer(&found)).collect();
    let rank = |method| match method {
        AuthenticationMethod::Digest => 0,
        AuthenticationMethod::Bearer => 1,
        _ => 2,
    };
    offers.sort_by_key(|offer| rank(offer.method));
    offers
}

fn offer(found: &ChallengeRef<'_>) -> Option<Offer> {
    let is = |scheme: &str| found.scheme.eq_ignore_ascii_case(scheme);
    let method = if is("basic") {
        AuthenticationMethod::Basic
    } else if is("digest") {
        AuthenticationMethod::Digest
    } else if is("bearer") {
        AuthenticationMethod::Bearer
    } else {
        return None;
    };
    let digest = match method {
        AuthenticationMethod::Digest => Some(DigestClient::try_from(found).ok()?),
        _ => None,
    };
    let realm = found.params.iter().find(|(name, _)| name.eq_ignore_ascii_case("realm"));
    let realm = realm.map(|(_, value)| value.to_unescaped());
    Some(Offer { method, realm, digest })
}

impl Offer {
    /// The answer to it with this credential; none when they do not fit.
    pub(super) fn accept(self, credential: &Credential) -> Option<Authorization> {
        match (self.method, credential) {
            (AuthenticationMethod::Basic, Credential::Password { user, password }) => {
                let value = http_auth::basic::encode_credentials(user, password.reveal());
                secret(&value).map(Authorization::Fixed)
            }
            (AuthenticationMethod::Digest, Credential::Password { user, password }) => {
                let client = Box::new(self.digest?);
                let (user, password) = (user.clone(), password.reveal().to_owned());
                Some(Authorization::Digest { client, user, password })
            }
            (AuthenticationMethod::Bearer, Credential::Token(token)) => {
                secret(&format!("Bearer {}", token.reveal())).map(Authorization::Fixed)
            }
            _ => None,
        }
    }
}

/// A header that shows nothing in logs; none when the text cannot be one.
pub(super) fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    fn offered(lines: &[&'static str]) -> Vec<Offer> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(line));
        }
        offers(&headers)
    }

    fn password() -> Credential {
        Credential::Password { user: "Aladdin".to_owned(), password: Secret::new("open sesame") }
    }

    const DIGEST: &str = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256";

    #[test]
    fn the_safest_offer_comes_first_and_nonsense_is_left_out() {
        use AuthenticationMethod::{Basic, Bearer, Digest};
        let all = offered(&["Basic realm=\"the \\\"b\\\"\", Bearer", "Negotiate", "=\"", DIGEST]);
        let methods: Vec<_> = all.iter().map(|offer| offer.method).collect();
        assert_eq!(methods, [Digest, Bearer, Basic]);
        assert_eq!(all[2].realm.as_deref(), Some("the \"b\""));
        assert!(offered(&["Digest realm=\"no nonce\""]).is_empty());
    }

    #[test]
    fn answers_are_those_of_the_standards() {
        let url = Url::parse("https://a/b?c").expect("a URL");
        let answer = |line: &'static str, credential: &Credential| {
            let offer = offered(&[line]).pop().expect("an offer");
            let value = offer.accept(credential)?.header(&url)?;
            assert!(value.is_sensitive());
            Some(value.to_str().expect("ASCII").to_owned())
        };
        let basic = answer("Basic realm=\"r\"", &password());
        assert_eq!(basic.as_deref(), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        let token = Credential::Token(Secret::new("abc"));
        assert_eq!(answer("Bearer", &token).as_deref(), Some("Bearer abc"));
        let digest = answer(DIGEST, &password()).expect("an answer");
        assert!(digest.starts_with("Digest ") && digest.contains("uri=\"/b?c\""), "{digest}");
        assert!(!digest.contains("sesame"), "{digest}");
        assert_eq!(answer("Bearer", &password()), None);
        assert_eq!(answer("Basic realm=\"r\"", &token), None);
    }
}
