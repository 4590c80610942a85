//! Which hosts may be reached.

use std::net::IpAddr;

use headstart_model::app_bundle::DomainPattern;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Which hosts may be reached, by the first address of a transfer and by every redirect. `Spec: concepts 14`.
///
/// Default: all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Hosts by name.
    pub hosts: HostPolicy,
    /// Whether this machine itself may be reached.
    pub loopback: LoopbackPolicy,
}

/// Which hosts may be reached by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HostPolicy {
    /// All.
    #[default]
    Any,
    /// Those that one of the patterns covers.
    Only(Vec<DomainPattern>),
}

/// Whether this machine itself may be reached.
///
/// `Ours:` what listens on loopback trusts whoever is on the machine. An app's manifest comes from outside and must not make
/// the service ask there; apps under development may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoopbackPolicy {
    /// It may.
    #[default]
    Allowed,
    /// Neither by an address nor by a name that leads to one. A proxy that is configured by its address is used all the same.
    Refused,
}

impl Reach {
    /// Whether `url` may be asked, as far as its text tells. Names are looked at again when they are resolved.
    #[must_use]
    pub fn allows(&self, url: &Url) -> bool {
        let listed = match &self.hosts {
            HostPolicy::Any => true,
            HostPolicy::Only(patterns) => patterns.iter().any(|pattern| pattern.covers(url)),
        };
        listed && (self.loopback == LoopbackPolicy::Allowed || !names_this_machine(url))
    }
}

fn names_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => is_this_machine(address.into()),
        Some(Host::Ipv6(address)) => is_this_machine(address.into()),
        None => false,
    }
}

/// The address 0.0.0.0 leads to this machine too, and IPv6 has forms for addresses of IPv4.
fn is_this_machine(address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || address.is_unspecified()
}

/// Resolves names as the system does, and leaves out addresses of this machine.
#[derive(Debug)]
pub(crate) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let elsewhere: Vec<_> =
                found.filter(|address| !is_this_machine(address.ip())).collect();
            if elsewhere.is_empty() {
                return Err(format!("{} leads to no machine but this one", name.as_str()).into());
            }
            let addresses: Addrs = Box::new(elsewhere.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect(text)
    }

    #[test]
    fn only_listed_hosts_are_allowed() {
        let patterns = ["a.example", "*.b.example"];
        let patterns = patterns.map(|text| DomainPattern::new(text).expect(text)).to_vec();
        let reach = Reach { hosts: HostPolicy::Only(patterns), ..Reach::default() };
        let allowed = ["https://a.example/x", "https://c.b.example./x"];
        let refused = ["https://b.example/", "https://aa.example/", "https://a.example.evil/"];
        assert!(allowed.iter().all(|text| reach.allows(&url(text))));
        assert!(refused.iter().all(|text| !reach.allows(&url(text))));
        assert!(Reach::default().allows(&url("https://anything/")));
    }

    #[test]
    fn this_machine_is_told_in_all_its_forms() {
        let reach = Reach { loopback: LoopbackPolicy::Refused, ..Reach::default() };
        for host in [
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "127.0.0.1",
            "127.9",
            "0x7f.1",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
        ] {
            let url = url(&format!("https://{host}/"));
            assert!(!reach.allows(&url), "{host}");
            assert!(Reach::default().allows(&url), "{host}");
        }
        assert!(reach.allows(&url("https://192.0.2.1/")));
        assert!(reach.allows(&url("https://localhost.example/")));
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_resolved() {
        let refused = Resolver.resolve("localhost".parse().expect("a name")).await;
        assert!(refused.is_err());
    }
}
