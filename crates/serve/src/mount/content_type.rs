//! The Content-Type of a file, by its name.

use http::HeaderValue;

/// The few types that people look at in a browser or that tools insist on; all else is bytes.
/// Answers also say `nosniff`, so a wrong guess here is not corrected by the client.
pub(crate) fn of_name(name: &str) -> HeaderValue {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    HeaderValue::from_static(match extension.to_ascii_lowercase().as_str() {
        "json" => "application/json",
        "html" | "htm" => "text/html; charset=utf-8",
        "txt" | "md" | "toml" | "log" => "text/plain; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "wasm" => "application/wasm",
        "ogg" => "audio/ogg",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    })
}

#[cfg(test)]
mod tests {
    use super::of_name;

    #[test]
    fn known_extensions_have_their_type_and_others_are_bytes() {
        assert_eq!(of_name("catalog.JSON"), "application/json");
        assert_eq!(of_name("a.tar.txt"), "text/plain; charset=utf-8");
        assert_eq!(of_name("terrain.assetpack"), "application/octet-stream");
        assert_eq!(of_name("json"), "application/octet-stream");
    }
}
