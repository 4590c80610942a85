//! `serve`: a development server, which may misbehave on command.

mod content;
mod throwaway;
mod watch;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use headstart_model::{ErrorKind, Failure};
use headstart_serve::{
    CacheRules, FaultKind, FaultPlan, Faults, Folder, Gate, Link, LinkConditions, Percent, Running,
    Server, Site, Tls, WantedHeader, WantedHeaderError, parse_duration,
};
use headstart_transfer::Secret;
use serde_json::json;

use super::Verdict;
use crate::context::Context;
use crate::{network, quantity};
use content::Content;
use throwaway::Throwaway;

/// Serves archives, a repository or a folder for development; a link conditioner and faults on command
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart serve assets-repo\n  \
    headstart serve level1.assetpack level2.assetpack --listen 127.0.0.1:8080\n  \
    headstart serve assets-repo --tls auto --bandwidth 20Mbit --latency 40ms --loss 1%\n  \
    headstart serve assets-repo --fault cut --fault status503 --seed 7\n  \
    headstart serve assets-repo --require-header 'Authorization: Bearer TOKEN'\n\n\
    The first line on stdout is the URL. Archives become a throw-away repository, which follows their changes; they are \
    also at /assets/PACK-ID, and /manifest lists them.")]
pub(crate) struct Serve {
    /// Archives, or one repository, or one folder of files
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Listen here; port 0 takes any free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Speak TLS: `auto` makes an authority that only this home trusts
    #[arg(long, value_name = "auto|CERT,KEY")]
    tls: Option<TlsChoice>,
    /// Answer 401 to requests without this header, as a private repository does; may be given more than once
    #[arg(long = "require-header", value_name = "NAME: VALUE", value_parser = network::secret)]
    required: Vec<Secret>,
    /// Send no faster than this, all connections together, such as 20Mbit or 3MB
    #[arg(long, value_name = "RATE", help_heading = "Link")]
    bandwidth: Option<quantity::TypedRate>,
    /// Wait so long before each answer, such as 40ms
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "0", help_heading = "Link")]
    latency: Duration,
    /// Lose this share of the packets
    #[arg(long, value_name = "PERCENT", default_value = "0", help_heading = "Link")]
    loss: Percent,
    /// Misbehave so on a fifth of the requests: cut, stall, slow, status500, status503, ignore-range, wrong-range,
    /// truncate, corrupt, change-etag or redirect-loop; may be given more than once
    #[arg(long = "fault", value_name = "KIND", help_heading = "Faults")]
    faults: Vec<FaultKind>,
    /// The seed of faults and losses: the same requests meet the same ones
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Faults")]
    seed: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TlsChoice {
    Auto,
    Files { certificate: PathBuf, key: PathBuf },
}

impl FromStr for TlsChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let (certificate, key) = text.split_once(',').ok_or("expected `auto`, or CERT,KEY")?;
        Ok(Self::Files { certificate: certificate.into(), key: key.into() })
    }
}

impl Serve {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let content = Content::of(&self.paths)?;
        let tls = self.tls(context)?;
        let wanted = self.required.iter().map(|text| text.reveal().parse());
        let wanted = wanted.collect::<Result<_, _>>().map_err(|error: WantedHeaderError| {
            Failure::from_error(ErrorKind::Usage, "usage", &error)
                .with_hint("a header is written `NAME: VALUE`")
        })?;
        quantity::heed(&context.output, "--bandwidth", self.bandwidth);
        let throwaway = match &content {
            Content::Archives(archives) => Some(Throwaway::new(context, archives)?),
            Content::Repository { .. } | Content::Folder(_) => None,
        };
        let (site, root) = site(&content, throwaway.as_ref())?;
        let server = self.server(site, tls, wanted);
        let served = context.complete(async {
            let running = server.start().await.map_err(|error| not_started(&error))?;
            serve(context, running, root.as_deref(), throwaway.as_ref()).await
        })?;
        context.output.done(json!({"requests": served}), String::new);
        Ok(Verdict::Done)
    }

    fn tls(&self, context: &Context) -> Result<Tls, Failure> {
        Ok(match &self.tls {
            None => Tls::Off,
            Some(TlsChoice::Files { certificate, key }) => {
                Tls::Pem { certificate: certificate.clone(), key: key.clone() }
            }
            Some(TlsChoice::Auto) => {
                Tls::Auto { folder: network::local_authority(&context.home()?), names: Vec::new() }
            }
        })
    }

    fn server(&self, site: Site, tls: Tls, wanted: Vec<WantedHeader>) -> Server {
        let conditions = LinkConditions {
            bandwidth: self.bandwidth.map(|typed| typed.rate),
            latency: self.latency,
            loss: self.loss,
            seed: self.seed,
        };
        let faults = if self.faults.is_empty() {
            Faults::none()
        } else {
            Faults::planned(FaultPlan::of_kinds(self.seed, self.faults.iter().copied()))
        };
        let gate = Gate::open();
        gate.require(wanted);
        let server = Server::new(site).listen(self.listen).tls(tls).gate(gate);
        server.link(Link::new(conditions)).faults(faults)
    }
}

/// What is served, and the first root if it is a repository.
fn site(
    content: &Content,
    throwaway: Option<&Throwaway>,
) -> Result<(Site, Option<PathBuf>), Failure> {
    let folder = |path: &Path| {
        Folder::new(path)
            .map_err(|error| Failure::from_error(ErrorKind::InvalidInput, "folderMissing", &error))
    };
    let repository =
        |path: &Path| folder(path).map(|folder| folder.with_cache(CacheRules::repository()));
    Ok(match (content, throwaway) {
        (Content::Repository { folder, root }, _) => {
            (Site::new().mount("/", repository(folder)?), Some(root.clone()))
        }
        (Content::Folder(path), _) => (Site::new().mount("/", folder(path)?), None),
        (Content::Archives(_), None) => (Site::new(), None),
        (Content::Archives(_), Some(made)) => {
            let site = Site::new().mount("/", made.routes().clone());
            (site.mount("/", repository(made.repository())?), Some(made.root().to_owned()))
        }
    })
}

fn not_started(error: &headstart_serve::StartError) -> Failure {
    use headstart_serve::{StartError, TlsError};
    let (kind, code, hint) = match error {
        StartError::Listen { .. } => (
            ErrorKind::Conflict,
            "cannotListen",
            "another program may listen there: choose another port with `--listen`, or 0 for any that is free",
        ),
        StartError::Tls(
            TlsError::Unreadable { .. } | TlsError::NotPem { .. } | TlsError::Unusable(_),
        ) => (
            ErrorKind::InvalidInput,
            "tlsFiles",
            "name the certificate and its key, both PEM: `--tls CERT,KEY`",
        ),
        StartError::Tls(_) => (
            ErrorKind::Refused,
            "tlsFailed",
            "check the permissions of the home, or use files of your own",
        ),
        _ => (ErrorKind::Internal, "cannotServe", ""),
    };
    Failure::from_error(kind, code, error).with_hint(hint)
}

/// Tells of requests until somebody ends it; gives their number.
async fn serve(
    context: &Context,
    mut running: Running,
    root: Option<&Path>,
    throwaway: Option<&Throwaway>,
) -> Result<u64, Failure> {
    let output = &context.output;
    let interrupted = context.interrupted()?;
    if let Some(throwaway) = throwaway {
        throwaway.is_served_at(running.url());
    }
    let mut requests = running.take_requests().expect("the log of a new server was not taken yet");
    if output.is_for_program() {
        output.event(&json!({"event": "listening", "url": running.url(), "root": root}));
    } else {
        // A reader that went away wants no further lines; the server goes on.
        let _ = output.bytes(format!("{}\n", running.url()).as_bytes());
        if let Some(root) = root {
            output.remark(format!("root: {}", root.display()));
        }
        if let Some(authority) = running.authority() {
            output.remark(format!("authority: {}", authority.display()));
        }
    }
    let mut served = 0_u64;
    let mut follow = std::pin::pin!(watch::follow(output, throwaway));
    loop {
        tokio::select! {
            request = requests.recv() => {
                let Some(request) = request else { break };
                served += 1;
                output.event(&request);
                output.line(request.to_string());
            }
            never = &mut follow => match never {},
            () = interrupted.cancelled() => break,
        }
    }
    running.shutdown().await;
    while let Some(request) = requests.recv().await {
        served += 1;
        output.event(&request);
        output.line(request.to_string());
    }
    Ok(served)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_automatic_or_comes_from_two_files() {
        assert_eq!("auto".parse(), Ok(TlsChoice::Auto));
        let files = TlsChoice::Files { certificate: "a.pem".into(), key: "b.key".into() };
        assert_eq!("a.pem,b.key".parse(), Ok(files));
        assert!("a.pem".parse::<TlsChoice>().is_err());
    }
}
