//! What the engine hears.

mod caller;

use headstart_model::catalog::CatalogPack;
use headstart_model::download::UrlDownload;
use headstart_model::protocol::apps::InstallationAction;
use headstart_model::protocol::downloads::{ChallengeAnswer, DownloadChallenge, QueueAction};
use headstart_model::{
    AppId, ContentRequest, Failure, Headers, Language, PackId, ReleaseNumber, ServerOrigin,
};

use crate::effect::ArchivedOffer;
use crate::facts::FactsChange;
use crate::id::{CallId, ClientId, DownloadId, EffectId};
use crate::record::{Bundle, KeepData, PlanFigures, Setting, SourceOverride, Unreadable};

pub use caller::{Caller, CancelTarget, Challenged, ExtensionAnswer, Origin, Terms};

/// Something that happened. Each that reports on an effect quotes its id; one that quotes an id which is not owed
/// changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody installs an app. Answered with [`Reply::Launchable`](crate::Reply::Launchable).
    AppInstallRequested {
        /// Who.
        caller: Caller,
        /// The app.
        app: AppId,
        /// Its bundle.
        bundle: Box<Bundle>,
        /// The headers that the server wants which its content comes from.
        headers: Headers,
    },
    /// Somebody replaces an installed app. Answered with [`Reply::Launchable`](crate::Reply::Launchable).
    AppUpdateRequested {
        /// Who.
        caller: Caller,
        /// The app.
        app: AppId,
        /// The new bundle.
        bundle: Box<Bundle>,
    },
    /// Somebody removes an app; whatever is going on for it ends. Answered with
    /// [`Reply::Uninstalled`](crate::Reply::Uninstalled).
    AppUninstallRequested {
        /// Who.
        caller: Caller,
        /// The app.
        app: AppId,
        /// Whether its local packs stay.
        data: KeepData,
    },
    /// Somebody waits until an app may be launched. Answered with [`Reply::Launchable`](crate::Reply::Launchable).
    LaunchAwaited {
        /// Who.
        caller: Caller,
        /// The app.
        app: AppId,
    },
    /// An app was launched.
    AppLaunched {
        /// The app.
        app: AppId,
    },
    /// Somebody needs packs to be local. Answered with [`Reply::Ensured`](crate::Reply::Ensured).
    EnsureRequested {
        /// Who.
        caller: Caller,
        /// The app.
        app: AppId,
        /// The packs.
        packs: Vec<PackId>,
        /// On what terms.
        terms: Terms,
    },
    /// Somebody wants the app's packs brought up to date. Answered with [`Reply::Checked`](crate::Reply::Checked).
    CheckForUpdatesRequested {
        /// Who.
        caller: Caller,
        /// The app.
        app: AppId,
    },
    /// A process of an app says what its person reads, best first. A list that is empty says nothing.
    LanguagesTold {
        /// The app.
        app: AppId,
        /// The languages.
        languages: Vec<Language>,
    },
    /// An app sets its language itself, or follows its person again. Nothing is fetched or removed for that. Answered with
    /// [`Reply::LanguageResolved`](crate::Reply::LanguageResolved). `Spec: packs 9`.
    LanguageChosen {
        /// Who.
        caller: Caller,
        /// The app.
        app: AppId,
        /// The language; none follows the person.
        language: Option<Language>,
    },
    /// Somebody wants what the app's language needs, and no other localized packs. Answered with
    /// [`Reply::Reconciled`](crate::Reply::Reconciled). `Spec: packs 9`.
    ReconcileRequested {
        /// Who.
        caller: Caller,
        /// The app.
        app: AppId,
    },
    /// Somebody wants a pack's local copy gone. Answered with [`Reply::Removed`](crate::Reply::Removed).
    RemoveRequested {
        /// Who.
        caller: Caller,
        /// The app.
        app: AppId,
        /// The pack.
        pack: PackId,
    },
    /// Somebody cancels a download. Answered with [`Reply::Cancelled`](crate::Reply::Cancelled).
    CancelRequested {
        /// Who.
        caller: Caller,
        /// What.
        target: CancelTarget,
    },
    /// Somebody schedules single downloads: all of them, or none. Answered with [`Reply::Scheduled`](crate::Reply::Scheduled).
    /// `Spec: api 5`.
    DownloadsScheduled {
        /// Who.
        caller: Caller,
        /// The app.
        app: AppId,
        /// From where.
        origin: Origin,
        /// The downloads.
        downloads: Vec<UrlDownload>,
        /// Whether they are started now, or promoted, for as long as the caller's connection lasts.
        foreground: bool,
    },
    /// Somebody cancels a single download of an app. Answered with [`Reply::Cancelled`](crate::Reply::Cancelled).
    FileCancelRequested {
        /// Who.
        caller: Caller,
        /// The app.
        app: AppId,
        /// Its identifier.
        identifier: String,
    },
    /// A person does something about a download of the queue. Answered with [`Reply::Changed`](crate::Reply::Changed).
    QueueChangeRequested {
        /// Who.
        caller: Caller,
        /// The download.
        id: DownloadId,
        /// What.
        action: QueueAction,
    },
    /// Somebody pauses, resumes or cancels an installation. Answered with [`Reply::Changed`](crate::Reply::Changed).
    InstallationControlled {
        /// Who.
        caller: Caller,
        /// The app.
        app: AppId,
        /// What.
        action: InstallationAction,
    },
    /// A process of an app listens to what becomes of its downloads, until its connection ends. `Spec: concepts 11`.
    DelegateAttached {
        /// The connection.
        client: ClientId,
        /// The app.
        app: AppId,
    },
    /// Who was [asked](crate::Effect::Ask) has taken note of it. Answered with
    /// [`Reply::Acknowledged`](crate::Reply::Acknowledged), or with a failure when that question is not open.
    Acknowledged {
        /// Who.
        caller: Caller,
        /// The app.
        app: AppId,
        /// The question.
        call: CallId,
        /// The answer to a challenge.
        answer: Option<ChallengeAnswer>,
    },
    /// A server asks for a credential; the transfer waits. Answered with [`Reply::Challenge`](crate::Reply::Challenge).
    ChallengeRaised {
        /// Who asks on the server's behalf.
        caller: Caller,
        /// What the server was asked for.
        about: Challenged,
        /// The question.
        challenge: DownloadChallenge,
    },
    /// A transfer waits no longer for the answer to its challenge.
    ChallengeWithdrawn {
        /// What the server was asked for.
        about: Challenged,
    },
    /// What somebody answered to a challenge about an app's content is a header: its server gets it from now on, in place of one of the
    /// same name.
    ServerHeaderLearned {
        /// The effect that met the challenge.
        effect: EffectId,
        /// The server.
        server: ServerOrigin,
        /// The header.
        headers: Headers,
    },
    /// Somebody wants the one right of an app to change its downloads. Answered with
    /// [`Reply::ExclusiveControl`](crate::Reply::ExclusiveControl). `Spec: concepts 12`.
    ExclusiveRequested {
        /// Who. The right lasts as long as the connection, unless it is given back.
        caller: Caller,
        /// The app.
        app: AppId,
        /// How long to wait at most; none for as long as it takes.
        wait_ms: Option<u64>,
    },
    /// A connection gives that right back.
    ExclusiveReleased {
        /// The connection.
        client: ClientId,
    },
    /// An extension has answered.
    ExtensionReturned {
        /// The app.
        app: AppId,
        /// The question.
        call: CallId,
        /// The answer.
        answer: ExtensionAnswer,
        /// Time that it took, as the budget counts it.
        used_ms: u64,
    },
    /// An extension gives no answer: it failed, ended or was ended.
    ExtensionFailed {
        /// The app.
        app: AppId,
        /// The question.
        call: CallId,
        /// Why.
        failure: Failure,
        /// Time that it took, as the budget counts it.
        used_ms: u64,
    },
    /// Somebody changes a setting. Answered with [`Reply::Changed`](crate::Reply::Changed).
    SettingChanged {
        /// Who.
        caller: Caller,
        /// The setting and its value.
        setting: Setting,
    },
    /// A developer points an app at another source, or at its own again. Answered with [`Reply::Changed`](crate::Reply::Changed).
    SourceOverridden {
        /// Who.
        caller: Caller,
        /// The app.
        app: AppId,
        /// The other source.
        source: Option<SourceOverride>,
    },
    /// A server of an app gets other headers from now on. Answered with [`Reply::Server`](crate::Reply::Server).
    ServerHeadersGiven {
        /// Who.
        caller: Caller,
        /// The app.
        app: AppId,
        /// The server; none for the one that its content comes from.
        server: Option<ServerOrigin>,
        /// The headers; none take away those that it got.
        headers: Headers,
    },
    /// A single file has arrived, has the size that was asked for, and waits to be handed over.
    FileFetched {
        /// The effect.
        effect: EffectId,
        /// Its size in bytes.
        bytes: u64,
    },
    /// The archive of a pack has arrived, agrees with its own index, and the version that is in it was built in its place. The archive
    /// waits to be handed over.
    ArchiveFetched {
        /// The effect.
        effect: EffectId,
        /// Its size in bytes.
        bytes: u64,
        /// What the archive says of itself.
        pack: Box<CatalogPack>,
    },
    /// A process of an app has come: the app is used.
    AppUsed {
        /// The app.
        app: AppId,
    },
    /// A person simulates a content request; the extension may then use the run time of a whole day.
    ContentRequested {
        /// The app.
        app: AppId,
        /// Which.
        request: ContentRequest,
    },
    /// A client's connection ended; nobody waits for its calls any more. What it asked for goes on.
    ClientGone {
        /// The connection.
        client: ClientId,
    },
    /// The app's own files moved on. Volatile.
    FilesMoved {
        /// The effect.
        effect: EffectId,
        /// Bytes in place.
        bytes_done: u64,
        /// Bytes in all.
        bytes_total: u64,
    },
    /// The app's files are in place and registered.
    AppPrepared {
        /// The effect.
        effect: EffectId,
    },
    /// The app's files could not be put in place; nothing of it is left.
    PrepareFailed {
        /// The effect.
        effect: EffectId,
        /// Why.
        failure: Failure,
    },
    /// A catalog was fetched and verified.
    CatalogFetched {
        /// The effect.
        effect: EffectId,
        /// Its release.
        release: ReleaseNumber,
        /// The packs that it offers to this device, each id once.
        packs: Vec<CatalogPack>,
    },
    /// A plain download manifest was read.
    ManifestRead {
        /// The effect.
        effect: EffectId,
        /// The packs that it lists, each id once, as their archives describe them.
        packs: Vec<ArchivedOffer>,
        /// Packs that it lists too, and whose archives could not be looked at.
        unreadable: Vec<(PackId, Unreadable)>,
        /// What its server calls this state of it.
        tag: Option<String>,
    },
    /// The catalog held is still the current one, and its metadata holds.
    CatalogUnchanged {
        /// The effect.
        effect: EffectId,
    },
    /// No catalog could be had, or it is not to be trusted.
    CatalogFailed {
        /// The effect.
        effect: EffectId,
        /// Why.
        failure: Failure,
    },
    /// It is known what a download has to fetch.
    PlanMade {
        /// The effect.
        effect: EffectId,
        /// What it comes to.
        plan: PlanFigures,
    },
    /// Bytes arrived. Volatile.
    BytesMoved {
        /// The effect.
        effect: EffectId,
        /// Bytes of the download done so far, those of earlier attempts included.
        bytes_done: u64,
    },
    /// It is known how long a single file will be. Volatile.
    LengthKnown {
        /// The effect.
        effect: EffectId,
        /// Its length.
        bytes_total: u64,
    },
    /// The version is complete, verified and built in the staging folder.
    TransferFinished {
        /// The effect.
        effect: EffectId,
    },
    /// A plan or transfer failed. What was fetched stays staged.
    TransferFailed {
        /// The effect.
        effect: EffectId,
        /// Why.
        failure: Failure,
    },
    /// The effect ended because it was told to stop, or it was told to stop and was not running.
    Stopped {
        /// The effect.
        effect: EffectId,
    },
    /// Every version of the switch is live.
    Switched {
        /// The effect.
        effect: EffectId,
    },
    /// The switch failed; nothing changed.
    SwitchFailed {
        /// The effect.
        effect: EffectId,
        /// Why.
        failure: Failure,
        /// Packs whose staged version is damaged and has to be fetched again.
        damaged: Vec<PackId>,
    },
    /// A version, or what was staged, is gone.
    Removed {
        /// The effect.
        effect: EffectId,
    },
    /// The version to be removed is still being read.
    VersionInUse {
        /// The effect.
        effect: EffectId,
    },
    /// A removal failed and is to be tried again.
    RemovalFailed {
        /// The effect.
        effect: EffectId,
        /// Why.
        failure: Failure,
    },
    /// What the device is like has changed. Volatile.
    FactsChanged {
        /// The news.
        news: FactsChange,
    },
    /// The time of [`Effect::SetTimer`](crate::Effect::SetTimer) has come. Too early or too often does no harm.
    TimerDue,
    /// The state was loaded: issue again what is owed. The first event of each life.
    Restarted,
}
