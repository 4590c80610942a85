//! Headers for the servers of an app: what opens a private repository. `Spec: cli`, the device.

use headstart_model::Headers;

use crate::AssetPackManager;
use crate::error::Error;
use crate::run::run;

impl AssetPackManager {
    /// Gives a server of this app the headers that it wants, such as a token, in place of those that it got; none take them away.
    ///
    /// `server` is any address of it; none means the server that the app's repository or manifest lies on. Headers go to that
    /// scheme, host and port and to no other: a redirect elsewhere takes none of them along. The service keeps them until the app is removed, for
    /// it updates packs while the app does not run.
    ///
    /// What a server has refused is tried again at once, and what is on its way goes on with the new headers from where it is: an app
    /// calls this whenever it has a fresh token. That it needs one it hears from the error `serverDenied`.
    ///
    /// ```no_run
    /// # async fn sign_in(packs: headstart::AssetPackManager, token: &str) -> Result<(), headstart::Error> {
    /// let headers = [("Authorization", format!("Bearer {token}"))].into_iter().collect();
    /// packs.set_server_headers(None, headers).await?;
    /// let level = packs.asset_pack("level-2").await?;
    /// packs.ensure_local_availability(&level).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `badHeader` when one cannot be sent, or they are too many or too long (16, 8 KiB together); `badUrl` when `server` is no address
    /// of one; `noServer` when none is named and the app's content comes from no server; `tooManyServers`; of kind `unavailable` when
    /// the service cannot be had.
    pub async fn set_server_headers(
        &self,
        server: Option<&str>,
        headers: Headers,
    ) -> Result<(), Error> {
        let server = server.map(str::to_owned);
        run(&self.to_blocking(), move |packs| packs.set_server_headers(server.as_deref(), headers))
            .await
    }
}
