//! Headers for the servers of an app, waiting.

use headstart_model::Headers;
use headstart_model::protocol::packs::SetServerHeaders;

use super::AssetPackManager;
use crate::error::Error;
use crate::run::Blocking as _;

impl AssetPackManager {
    /// As [`crate::AssetPackManager::set_server_headers`].
    ///
    /// # Errors
    /// As there.
    pub fn set_server_headers(&self, server: Option<&str>, headers: Headers) -> Result<(), Error> {
        let (app, server) = (self.caller().on_behalf_of(), server.map(str::to_owned));
        self.caller().call(&SetServerHeaders { app, server, headers }).map(drop)
    }
}
