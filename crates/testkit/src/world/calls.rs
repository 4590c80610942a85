//! People and programs that call the service, and vanish.

use std::collections::BTreeMap;

use headstart_engine::record::{Freshness, KeepData};
use headstart_engine::view::{self, LaunchGate};
use headstart_engine::{Caller, CancelTarget, ClientId, Event, PackKey, Reply, RequestId, Terms};
use headstart_model::{ContentRequest, Failure, PackId};

use super::{World, places};

/// A call that somebody made.
#[derive(Debug, Clone)]
pub(super) struct Call {
    client: ClientId,
    standing: Standing,
}

#[derive(Debug, Clone)]
enum Standing {
    Open,
    Answered(Result<Reply, Failure>),
    /// The client has gone.
    Abandoned,
    /// The connection broke because the service died or dropped its state.
    Lost,
}

impl World {
    /// Somebody installs version 1.0 of an app.
    pub fn install(&mut self, app: &str) -> RequestId {
        let bundle = Box::new(places::bundle(app, "1.0"));
        let app = places::app_id(app);
        self.call(|caller| Event::AppInstallRequested {
            caller,
            app,
            bundle,
            headers: headstart_model::Headers::default(),
        })
    }

    /// Somebody updates an app to `version`.
    pub fn update(&mut self, app: &str, version: &str) -> RequestId {
        let bundle = Box::new(places::bundle(app, version));
        let app = places::app_id(app);
        self.call(|caller| Event::AppUpdateRequested { caller, app, bundle })
    }

    /// Somebody installs version 1.0 of an app whose packs are kept from a plain download manifest.
    pub fn install_listing(&mut self, app: &str) -> RequestId {
        let bundle = Box::new(places::bundle_with_listing(app, "1.0"));
        let app = places::app_id(app);
        self.call(|caller| Event::AppInstallRequested {
            caller,
            app,
            bundle,
            headers: headstart_model::Headers::default(),
        })
    }

    /// Somebody updates an app to `version`, whose packs are kept so.
    pub fn update_listing(&mut self, app: &str, version: &str) -> RequestId {
        let bundle = Box::new(places::bundle_with_listing(app, version));
        let app = places::app_id(app);
        self.call(|caller| Event::AppUpdateRequested { caller, app, bundle })
    }

    /// Somebody removes an app.
    pub fn uninstall(&mut self, app: &str, data: KeepData) -> RequestId {
        let app = places::app_id(app);
        self.call(|caller| Event::AppUninstallRequested { caller, app, data })
    }

    /// An app needs packs.
    pub fn ensure(&mut self, app: &str, packs: &[&str], freshness: Freshness) -> RequestId {
        self.ensure_on(app, packs, freshness.into())
    }

    /// An app needs packs, on terms of its own.
    pub fn ensure_on(&mut self, app: &str, packs: &[&str], terms: Terms) -> RequestId {
        let app = places::app_id(app);
        let packs = packs.iter().map(|pack| places::pack_id(pack)).collect();
        self.call(|caller| Event::EnsureRequested { caller, app, packs, terms })
    }

    /// A process of an app says what its person reads.
    pub fn tell_languages(&mut self, app: &str, tags: &[&str]) {
        let app = places::app_id(app);
        let languages = tags.iter().map(|tag| places::language(tag)).collect();
        self.hear(Event::LanguagesTold { app, languages });
    }

    /// An app sets its language, or follows its person again.
    pub fn choose_language(&mut self, app: &str, tag: Option<&str>) -> RequestId {
        let app = places::app_id(app);
        let language = tag.map(places::language);
        self.call(|caller| Event::LanguageChosen { caller, app, language })
    }

    /// An app wants the packs of its language, and no others.
    pub fn reconcile(&mut self, app: &str) -> RequestId {
        let app = places::app_id(app);
        self.call(|caller| Event::ReconcileRequested { caller, app })
    }

    /// The resolved language of an app.
    #[must_use]
    pub fn language(&self, app: &str) -> Option<String> {
        let resolved = view::languages(&self.state, &places::app_id(app))?.resolved;
        resolved.map(|language| language.to_string())
    }

    /// An app checks for updates.
    pub fn check(&mut self, app: &str) -> RequestId {
        let app = places::app_id(app);
        self.call(|caller| Event::CheckForUpdatesRequested { caller, app })
    }

    /// An app removes a pack.
    pub fn remove(&mut self, app: &str, pack: &str) -> RequestId {
        let (app, pack) = (places::app_id(app), places::pack_id(pack));
        self.call(|caller| Event::RemoveRequested { caller, app, pack })
    }

    /// Somebody cancels the download of a pack.
    pub fn cancel(&mut self, app: &str, pack: &str) -> RequestId {
        let target = CancelTarget::Pack(places::app_id(app), places::pack_id(pack));
        self.call(|caller| Event::CancelRequested { caller, target })
    }

    /// Somebody waits until an app may be launched.
    pub fn await_launch(&mut self, app: &str) -> RequestId {
        let app = places::app_id(app);
        self.call(|caller| Event::LaunchAwaited { caller, app })
    }

    /// A content request is due.
    pub fn content_request(&mut self, app: &str, request: ContentRequest) {
        let app = places::app_id(app);
        self.hear(Event::ContentRequested { app, request });
    }

    /// Notes a call that is made over a connection that is there already.
    pub(super) fn note_call(&mut self, request: RequestId, client: ClientId) {
        self.calls.insert(request, Call { client, standing: Standing::Open });
    }

    pub(super) fn call(&mut self, event: impl FnOnce(Caller) -> Event) -> RequestId {
        let client = self.fresh_client();
        let request = RequestId(self.fresh_number());
        self.calls.insert(request, Call { client, standing: Standing::Open });
        self.hear(event(Caller { request, client }));
        request
    }

    /// The client that made a call goes without waiting for the answer.
    pub fn vanish(&mut self, request: RequestId) {
        let Some(call) = self.calls.get_mut(&request) else { return };
        if matches!(call.standing, Standing::Open) {
            call.standing = Standing::Abandoned;
            let client = call.client;
            self.hear(Event::ClientGone { client });
        }
    }

    pub(super) fn lose_calls(&mut self) {
        for call in self.calls.values_mut().filter(|c| matches!(c.standing, Standing::Open)) {
            call.standing = Standing::Lost;
        }
    }

    pub(super) fn take_answer(&mut self, request: RequestId, outcome: Result<Reply, Failure>) {
        let call = self.calls.get_mut(&request).expect("an answer to a call that was made");
        assert!(
            matches!(call.standing, Standing::Open),
            "call {request} is {:?} and is answered with {outcome:?}",
            call.standing
        );
        call.standing = Standing::Answered(outcome);
    }

    pub(super) fn check_calls_ended(&self) {
        for (request, call) in &self.calls {
            assert!(!matches!(call.standing, Standing::Open), "call {request} is never answered");
        }
    }

    /// The answer to a call, if it has come.
    #[must_use]
    pub fn answer(&self, request: RequestId) -> Option<&Result<Reply, Failure>> {
        match &self.calls.get(&request)?.standing {
            Standing::Answered(outcome) => Some(outcome),
            Standing::Open | Standing::Abandoned | Standing::Lost => None,
        }
    }

    /// Whether nobody waits for the answer to a call any more.
    #[must_use]
    pub fn is_over(&self, request: RequestId) -> bool {
        !self.calls.get(&request).is_some_and(|call| matches!(call.standing, Standing::Open))
    }

    /// Lets time pass until a call is answered.
    ///
    /// # Errors
    /// When that is the answer.
    ///
    /// # Panics
    /// When it is not.
    pub fn wait_for(&mut self, request: RequestId) -> Result<Reply, Failure> {
        self.run_until("an answer", |world| world.is_over(request));
        self.answer(request).expect("the call was not lost").clone()
    }

    /// Lets time pass until an ensure is answered: the packs that can be read, and those that cannot.
    ///
    /// # Panics
    /// When it is answered otherwise.
    pub fn wait_for_packs(
        &mut self,
        request: RequestId,
    ) -> (Vec<PackId>, BTreeMap<PackId, Failure>) {
        match self.wait_for(request) {
            Ok(Reply::Ensured { available, failed }) => (available, failed),
            other => panic!("an ensure is answered with {other:?}"),
        }
    }

    /// Whether an app may be launched.
    #[must_use]
    pub fn may_launch(&self, app: &str) -> bool {
        view::launch_gate(&self.state, &places::app_id(app)) == LaunchGate::Open
    }

    /// Names a pack of an app.
    #[must_use]
    pub fn key(&self, app: &str, pack: &str) -> PackKey {
        PackKey::new(places::app_id(app), places::pack_id(pack))
    }
}
