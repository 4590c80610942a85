//! Lists of downloads that are longer than a message.

use headstart_model::download::UrlDownload;
use headstart_model::protocol::CALL_BYTES_MAX;
use headstart_model::protocol::downloads::PAGE_MAX;

use crate::Download;

/// Bytes of downloads in one call, at most: half a message, which leaves room for all else. Any one
/// download that has been checked is far shorter.
const PAGE_BYTES_MAX: usize = CALL_BYTES_MAX / 2;

/// The downloads in their order, cut into what one call holds. No downloads are no page.
pub(crate) fn pages(downloads: &[Download]) -> Vec<Vec<UrlDownload>> {
    let mut pages: Vec<Vec<UrlDownload>> = Vec::new();
    let mut bytes = usize::MAX;
    for download in downloads {
        let download = download.wire();
        // With a comma. What cannot be written fails when the call is.
        let length = serde_json::to_vec(download).map_or(0, |json| json.len() + 1);
        bytes = bytes.saturating_add(length);
        match pages.last_mut() {
            Some(page) if page.len() < PAGE_MAX && bytes <= PAGE_BYTES_MAX => {
                page.push(download.clone());
            }
            _ => {
                pages.push(vec![download.clone()]);
                bytes = length;
            }
        }
    }
    pages
}
