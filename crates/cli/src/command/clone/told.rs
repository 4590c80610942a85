//! What a clone tells of itself.

use headstart_deliver::{Delivered, Receipt};
use headstart_model::catalog::CatalogPack;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Clone, Found, Job, Pinned};
use crate::output::{Advance, Progress, count, size};

impl Job<'_> {
    /// Tells of trust at first use, now that nothing of this clone is refused any more.
    pub(super) fn tell_pinned(&self, found: &mut Found) {
        if std::mem::replace(&mut found.pinned, Pinned::Before) != Pinned::Now {
            return;
        }
        let (output, fingerprint) = (&self.context.output, found.trust.fingerprint());
        output.event(&json!({"event": "pinned", "fingerprint": fingerprint}));
        output
            .line(format!("trusting the repository from now on; its fingerprint is {fingerprint}"));
    }

    pub(super) fn tell_done(&self, found: &Found, delivered: Option<&Delivered>) {
        let counts = self.access.tracking().meter().ledger().total();
        let (reused, written) = match delivered {
            Some(delivered) => (delivered.bytes_reused, delivered.bytes_written),
            None => (found.pack.installed_size, 0),
        };
        let peak = delivered.map_or(0, |delivered| delivered.peak_extra_disk);
        let seconds = self.started.elapsed().as_secs_f64();
        let mut done = common(found, self.command);
        merge(
            &mut done,
            json!({
                "bytesDown": counts.body_bytes, "requests": counts.requests,
                "bytesReused": reused, "bytesWritten": written, "peakExtraDisk": peak,
                "seconds": seconds,
            }),
        );
        self.context.output.done(done, || {
            let (pack, version) = (&found.pack.id, found.pack.version);
            let destination = self.command.destination.display();
            if delivered.is_none() {
                return format!("{destination} holds {pack} version {version} already");
            }
            let files = count(found.pack.file_count, "file");
            let (down, reused) = (size(counts.body_bytes), size(reused));
            let requests = count(counts.requests, "request");
            format!(
                "{destination}: {pack} version {version}, {files}; {down} fetched in {requests}, {reused} reused, {seconds:.1} s"
            )
        });
    }

    pub(super) fn tell_receipt(&self, found: &Found, receipt: &Receipt) {
        let counts = self.access.tracking().meter().ledger().total();
        let (bytes_down, requests) =
            (counts.body_bytes + receipt.bytes_down, counts.requests + receipt.requests);
        let mut done = common(found, self.command);
        merge(
            &mut done,
            json!({
                "dryRun": true, "way": receipt.way,
                "bytesDown": bytes_down, "requests": requests,
                "bytesReused": receipt.bytes_reused, "bytesWritten": receipt.bytes_written,
                "peakExtraDisk": receipt.peak_extra_disk,
                "seconds": self.started.elapsed().as_secs_f64(),
            }),
        );
        self.context.output.done(done, || {
            let (pack, version) = (&found.pack.id, found.pack.version);
            let (down, requests) = (size(bytes_down), count(requests, "request"));
            let (reused, written) = (size(receipt.bytes_reused), size(receipt.bytes_written));
            let peak = size(receipt.peak_extra_disk);
            format!(
                "{pack} version {version} would fetch {down} in {requests}, reuse {reused}, write at most {written} and need at \
                 most {peak} of free space meanwhile"
            )
        });
    }
}

fn common(found: &Found, command: &Clone) -> Value {
    json!({
        "pack": found.pack.id, "version": found.pack.version, "files": found.pack.file_count,
        "channel": command.channel, "fingerprint": found.trust.fingerprint(),
        "metadataBytes": found.metadata.body_bytes, "metadataRequests": found.metadata.requests,
    })
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// Tells how far the download is, whenever that changes.
pub(super) async fn report(
    mut state: watch::Receiver<(u64, u64)>,
    pack: &CatalogPack,
    progress: &Progress<'_>,
) -> std::convert::Infallible {
    loop {
        let now = *state.borrow_and_update();
        advance(now, pack, progress);
        if state.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Tells how many bytes are done of how many.
pub(super) fn advance(
    (bytes_done, bytes_total): (u64, u64),
    pack: &CatalogPack,
    progress: &Progress<'_>,
) {
    progress.advance(&Advance {
        phase: "download".to_owned(),
        pack: pack.id.to_string(),
        bytes_done,
        bytes_total,
        fraction: None,
    });
}
