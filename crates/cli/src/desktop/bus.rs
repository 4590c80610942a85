//! Progress and notifications over the bus of the person's session.

#[cfg(target_os = "linux")]
mod speak;
#[cfg(not(target_os = "linux"))]
mod speak {
    //! No such bus.

    use headstart::AppId;
    use tokio::sync::watch;

    use super::State;

    #[expect(clippy::unused_async, reason = "elsewhere it speaks")]
    pub(super) async fn speak(_: String, _: AppId, _: watch::Receiver<State>) {}
}

use headstart::AppId;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::PATIENCE;

/// What a person is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) summary: String,
    pub(super) body: String,
    /// A file, or nothing.
    pub(super) icon: String,
}

/// What is to be seen.
#[derive(Debug, Clone, Default)]
struct State {
    /// How much is done.
    percent: u8,
    notice: Option<Notice>,
    /// Nothing follows.
    ended: bool,
}

/// Shows one installation. Only the newest state is shown: a slow desktop holds nothing up.
#[derive(Debug)]
pub(super) struct Bus {
    state: watch::Sender<State>,
    task: Option<JoinHandle<()>>,
}

impl Bus {
    /// Shows how far `app` is; nothing without an address. Runs in the runtime.
    pub(super) fn connect(address: Option<String>, app: &AppId) -> Self {
        let (state, states) = watch::channel(State::default());
        let app = app.clone();
        let task = address.map(|address| tokio::spawn(speak::speak(address, app, states)));
        Self { state, task }
    }

    pub(super) fn progress(&self, fraction: f64) {
        let percent = percent(fraction);
        self.state.send_if_modified(|state| {
            let moved = state.percent != percent;
            state.percent = percent;
            moved
        });
    }

    /// To be told when the progress is taken away.
    pub(super) fn notify(&self, notice: Notice) {
        self.state.send_if_modified(|state| {
            state.notice = Some(notice);
            false
        });
    }

    pub(super) async fn end(self) {
        self.state.send_modify(|state| state.ended = true);
        if let Some(task) = self.task {
            let told = tokio::time::timeout(PATIENCE, task).await;
            tracing::debug!(in_time = told.is_ok(), "the desktop was told");
        }
    }
}

/// Whole percents: more than a hundred steps nobody sees.
fn percent(fraction: f64) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 100 after `clamp`"
    )]
    let percent = (fraction.clamp(0.0, 1.0) * 100.0) as u8;
    percent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_shown_in_whole_percents() {
        let shown: Vec<_> = [-1.0, 0.0, 0.256, 1.0, 7.0, f64::NAN].map(percent).into();
        assert_eq!(shown, [0, 0, 25, 100, 100, 0]);
    }
}
