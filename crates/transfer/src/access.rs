//! Who may be reached, and with what credentials.

mod challenge;
mod offers;
mod policy;
mod session;
mod tls;

pub use challenge::{
    AuthenticationMethod, Authenticator, Challenge, ClientCertificate, Credential, Disposition,
    ProtectionSpace, Secret, ServerTrust,
};
pub(crate) use policy::Resolver;
pub use policy::{HostPolicy, LoopbackPolicy, Reach};
pub(crate) use session::{Met, Next, Session};
pub(crate) use tls::{Identity, authorities};
