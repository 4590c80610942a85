//! Time has passed.

use headstart_model::ContentRequest;

use crate::live::Timer;
use crate::transition::{access, check, exclusive, facts, languages};
use crate::work::Work;

/// Timers handled in one event; the rest is due again at once, so that no event grows with the queue.
const BATCH: usize = 64;

pub(crate) fn timer_due(w: &mut Work<'_>) {
    w.live_mut().timer_told = None;
    for _ in 0..BATCH {
        let now = w.now.monotonic;
        let Some(timer) = w.live_mut().timers.pop_due(now) else { return };
        w.live_mut().step();
        go_off(w, timer);
    }
}

fn go_off(w: &mut Work<'_>, timer: Timer) {
    match timer {
        Timer::Retry(id) => facts::retry_now(w, id),
        Timer::Reissue(effect) => {
            w.live_mut().parked.remove(&effect);
            w.issue(effect);
        }
        Timer::Check(app) => check::want(w, &app),
        Timer::Periodic(app) => {
            let next = w.now.monotonic.after_ms(check::PERIOD_MS);
            w.live_mut().timers.set(Timer::Periodic(app.clone()), next);
            check::content_requested(w, &app, ContentRequest::Periodic);
        }
        Timer::Extension(app) => {
            languages::ask_again(w, &app);
            w.want_ask(&app);
        }
        Timer::Exclusive(request) => exclusive::too_late(w, request),
        // Admission looks at the clock itself; the timer only wakes it up.
        Timer::Patience => {}
        Timer::Relief if w.live().relieving.is_some() => {
            facts::relieve(w);
            access::go_on_relieving(w);
        }
        Timer::Relief => access::relieve(w),
    }
}
