//! `io.headstart.Device`: settings and pretended conditions.

use headstart_engine::record::{Records, Setting as EngineSetting, Switch};
use headstart_engine::{Event, TRANSFERS_MAX_DEFAULT};
use headstart_model::protocol::device::{
    Condition, ConditionList, Conditions, Pretend, SetSetting, Setting, SettingList, Settings,
};
use headstart_model::{AppId, ErrorKind, Failure, Headers, ServerOrigin};

use super::headers;
use super::reply::{Caller, End, Replies};
use crate::conditions;

const IN_APP_CONTENT: &str = "in-app-content";
const BACKGROUND: &str = "background-activity";
const LIMIT: &str = "limit";
const TRANSFERS: &str = "transfers";
const HEADER: &str = "header";
/// The value of what is not set.
const NONE: &str = "none";
/// Transfers at once that make sense on one device.
const TRANSFERS_MAX: u32 = 16;

fn on_or_off(switch: Switch) -> String {
    match switch {
        Switch::On => "on".to_owned(),
        Switch::Off => "off".to_owned(),
    }
}

fn setting(key: &str, value: String, default: &str, meaning: &str) -> Setting {
    Setting { key: key.to_owned(), value, default: default.to_owned(), meaning: meaning.to_owned() }
}

fn background_of(app: &AppId, switch: Switch) -> Setting {
    let meaning = format!("as background-activity, for `{app}` alone");
    setting(&format!("{BACKGROUND}.{app}"), on_or_off(switch), "on", &meaning)
}

/// The headers of a server, without their values: those are secrets. The server is named where it is not the one that the app's content
/// comes from.
fn headers_of(app: &AppId, server: Option<&ServerOrigin>, headers: &Headers) -> Setting {
    let names: Vec<_> = headers.iter().map(|(name, _)| format!("{name}: …")).collect();
    let (key, of) = match server {
        Some(server) => (format!("{HEADER}.{app}@{server}"), format!("`{server}`")),
        None => (format!("{HEADER}.{app}"), "the server of its repository".to_owned()),
    };
    let value = if names.is_empty() { NONE.to_owned() } else { names.join(", ") };
    setting(&key, value, NONE, &format!("what {of} gets from `{app}`, such as a token"))
}

fn headers_of_apps(records: &Records) -> Vec<Setting> {
    let mut settings = Vec::new();
    for (id, app) in records.apps() {
        let own = app.address().and_then(ServerOrigin::of);
        settings.extend(app.server_headers.iter().map(|(server, headers)| {
            headers_of(id, Some(server).filter(|server| Some(*server) != own.as_ref()), headers)
        }));
    }
    settings
}

/// Every setting, by key.
fn all(records: &Records) -> Vec<Setting> {
    let values = records.settings();
    let rate = values.bytes_per_second.map_or_else(|| NONE.to_owned(), |rate| format!("{rate}B"));
    let transfers = values.transfers_max.unwrap_or(TRANSFERS_MAX_DEFAULT);
    let mut settings = vec![
        setting(
            BACKGROUND,
            on_or_off(values.background_activity),
            "on",
            "whether extensions run, and anything is downloaded that nobody waits for",
        ),
        setting(
            IN_APP_CONTENT,
            on_or_off(values.in_app_content),
            "on",
            "whether apps get content before they are launched for the first time",
        ),
        setting(LIMIT, rate, NONE, "what all downloads together take in a second, such as 20Mbit"),
        setting(
            TRANSFERS,
            transfers.to_string(),
            &TRANSFERS_MAX_DEFAULT.to_string(),
            "how many downloads run at once, 1 to 16",
        ),
    ];
    let off = values.apps_without_background.iter();
    settings.extend(off.map(|app| background_of(app, Switch::Off)));
    settings.extend(headers_of_apps(records));
    settings.sort_by(|a, b| a.key.cmp(&b.key));
    settings
}

pub(super) async fn settings(caller: Caller<'_>, replies: &mut Replies<'_>) -> Result<(), End> {
    let found = caller.shared.core.query(|state, _| all(state.records())).await?;
    replies.last::<Settings>(&SettingList { settings: found }).await
}

pub(super) async fn set(
    caller: Caller<'_>,
    call: SetSetting,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    if let Some(of) = call.key.strip_prefix(HEADER).and_then(|rest| rest.strip_prefix('.')) {
        let found = set_headers(caller, of, call.value.as_deref()).await?;
        return replies.last::<SetSetting>(&found).await;
    }
    let wanted = parse(&call.key, call.value.as_deref())?;
    // What was set for an app outlasts it, so it can be taken back for one that is gone.
    if let EngineSetting::BackgroundActivity(Some(app), Switch::Off) = &wanted {
        let id = app.clone();
        let known = caller.shared.core.query(move |state, _| state.records().app(&id).is_some());
        if !known.await? {
            return Err(super::apps::app_not_found(app).into());
        }
    }
    let changed = wanted.clone();
    let event = move |caller| Event::SettingChanged { caller, setting: changed };
    caller.shared.core.call(caller.client, event).await?;
    let key = call.key.clone();
    let now = caller.shared.core.query(|state, _| all(state.records())).await?;
    let found = now.into_iter().find(|setting| setting.key == key);
    let found = found.unwrap_or_else(|| match wanted {
        EngineSetting::BackgroundActivity(Some(app), switch) => background_of(&app, switch),
        _ => setting(&key, String::new(), "", ""),
    });
    replies.last::<SetSetting>(&found).await
}

/// Sets the headers of a server: `of` is the app, and behind an `@` an address of the server, if it is another one.
async fn set_headers(caller: Caller<'_>, of: &str, value: Option<&str>) -> Result<Setting, End> {
    let (app, server) = match of.split_once('@') {
        Some((app, server)) => (app, Some(headers::server_of(server)?)),
        None => (of, None),
    };
    let app = AppId::new(app).map_err(|_| unknown(&format!("{HEADER}.{of}")))?;
    let given = Headers::parse(value.filter(|value| *value != NONE).unwrap_or_default());
    let given = given.map_err(|error| {
        Failure::from_error(ErrorKind::Usage, "badSetting", &error)
            .with_hint("a header is written `NAME: VALUE`, each on a line of its own")
    })?;
    let server = headers::give(caller, app.clone(), server, given.clone()).await?;
    let id = app.clone();
    let own = caller.shared.core.query(move |state, _| {
        state.records().app(&id).and_then(|app| ServerOrigin::of(app.address()?))
    });
    let own = own.await?;
    let other = Some(&server).filter(|server| Some(*server) != own.as_ref());
    Ok(headers_of(&app, other, &given))
}

fn unknown(key: &str) -> Failure {
    let shown: String = key.chars().take(60).collect();
    let message = format!("there is no setting `{shown}`");
    Failure::new(ErrorKind::Usage, "unknownSetting", message)
        .with_hint("`headstart settings list` shows every setting")
}

fn parse(key: &str, value: Option<&str>) -> Result<EngineSetting, Failure> {
    let wrong = |why: &str| {
        let shown: String = value.unwrap_or_default().chars().take(40).collect();
        let message = format!("`{shown}` is no value of the setting `{key}`: {why}");
        Failure::new(ErrorKind::Usage, "badSetting", message)
            .with_hint("`headstart settings list` shows what each setting means")
    };
    let switch = || match value {
        None | Some("on") => Ok(Switch::On),
        Some("off") => Ok(Switch::Off),
        Some(_) => Err(wrong("it is on or off")),
    };
    match key {
        IN_APP_CONTENT => Ok(EngineSetting::InAppContent(switch()?)),
        BACKGROUND => Ok(EngineSetting::BackgroundActivity(None, switch()?)),
        LIMIT => match value {
            None | Some("none") => Ok(EngineSetting::BytesPerSecond(None)),
            Some(rate) => {
                let rate = conditions::bytes_per_second(rate)
                    .ok_or_else(|| wrong("a rate is needed, such as 20Mbit or 3MB, or none"))?;
                Ok(EngineSetting::BytesPerSecond(Some(rate)))
            }
        },
        TRANSFERS => match value.map(str::parse::<u32>) {
            None => Ok(EngineSetting::TransfersMax(None)),
            Some(Ok(n @ 1..=TRANSFERS_MAX)) => Ok(EngineSetting::TransfersMax(Some(n))),
            Some(_) => Err(wrong("a number from 1 to 16 is needed")),
        },
        other => {
            let app = other.strip_prefix(BACKGROUND).and_then(|rest| rest.strip_prefix('.'));
            let app = app.and_then(|app| AppId::new(app).ok());
            if let Some(app) = app {
                return Ok(EngineSetting::BackgroundActivity(Some(app), switch()?));
            }
            Err(unknown(other))
        }
    }
}

pub(super) async fn conditions(caller: Caller<'_>, replies: &mut Replies<'_>) -> Result<(), End> {
    replies.last::<Conditions>(&condition_list(caller)).await
}

pub(super) async fn pretend(
    caller: Caller<'_>,
    call: Pretend,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let context = &caller.shared.context;
    let ahead_ms = context.conditions.pretend(&call.conditions)?;
    caller.shared.clock.pretend_ahead(ahead_ms);
    caller.shared.core.event(Event::FactsChanged { news: context.facts() });
    // Whatever is due by the time that it is pretended to be.
    caller.shared.core.event(Event::TimerDue);
    tracing::info!(conditions = ?call.conditions, "conditions are pretended");
    replies.last::<Pretend>(&condition_list(caller)).await
}

fn condition_list(caller: Caller<'_>) -> ConditionList {
    let context = &caller.shared.context;
    let ahead_ms = caller.shared.clock.ahead_ms();
    let all = context.conditions.all(context.layout.home(), ahead_ms);
    let conditions =
        all.into_iter().map(|(key, value, real)| Condition { key: key.to_owned(), value, real });
    ConditionList { conditions: conditions.collect() }
}
