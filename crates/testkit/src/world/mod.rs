//! The virtual world: what the daemon, the network, the disk and the people around the engine do, without any of them.

mod asked;
mod calls;
mod faults;
mod files;
mod life;
mod performer;
mod places;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use headstart_engine::{
    CallId, ClientId, DISK_RESERVE_BYTES, Device, EffectId, Event, FactsChange, MonotonicTime,
    Network, Notice, Now, RequestId, State, WallTime,
};
use headstart_model::record::Table;
use headstart_model::{Digest, Language, Platform};

use crate::disk::Disk;
use crate::publisher::Publisher;
use crate::rng::Rng;
use calls::Call;
pub use faults::Faults;
use performer::Run;

/// Virtual milliseconds that a world may take to come to rest: ten days.
const SETTLE_MAX_MS: u64 = 10 * 24 * 60 * 60 * 1000;
/// The wall clock at the start of every world.
const EPOCH_MS: u64 = 1_767_225_600_000;

/// Something that is going to happen.
#[derive(Debug, Clone)]
enum Happening {
    /// A running effect gets on.
    Step(EffectId),
    /// A report reaches the engine.
    Report(Event),
    /// Whoever was asked answers.
    Answer(CallId),
    /// The timer goes off, if it is still the one that was set.
    Timer,
}

/// A device with an engine in it, and everything around.
///
/// Time stands still until [`Self::run_for`] and its kin move it. Rules of the engine are checked after every event.
#[derive(Debug, Clone)]
pub struct World {
    rng: Rng,
    now_ms: u64,
    device: Device,
    state: State,
    rows: BTreeMap<(Table, String), String>,
    disk: Disk,
    /// What is in each version that was ever fetched, by its path.
    contents: BTreeMap<String, (Digest, u64)>,
    /// Counts lives of the service; what an earlier life began is forgotten.
    life: u64,
    agenda: BTreeMap<(u64, u64), (u64, Happening)>,
    next_happening: u64,
    timer: Option<MonotonicTime>,
    running: BTreeMap<EffectId, Run>,
    publishers: BTreeMap<String, Publisher>,
    calls: BTreeMap<RequestId, Call>,
    next_number: u64,
    leases: BTreeSet<String>,
    online: bool,
    disk_room: Option<u64>,
    languages: Vec<Language>,
    notices: Vec<(u64, Notice)>,
    hearing: asked::Hearing,
    /// Addresses at which there is no file.
    absent_files: BTreeSet<String>,
    watch: rules::Watch,
    /// What goes wrong, and how often.
    pub faults: Faults,
}

impl World {
    /// A world with a fresh device in it.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let device = Device { seed, platform: Some(Platform::Linux) };
        let mut world = Self {
            rng: Rng::new(seed),
            now_ms: 0,
            device,
            state: State::new(device),
            rows: BTreeMap::new(),
            disk: Disk::default(),
            contents: BTreeMap::new(),
            life: 0,
            agenda: BTreeMap::new(),
            next_happening: 0,
            timer: None,
            running: BTreeMap::new(),
            publishers: BTreeMap::new(),
            calls: BTreeMap::new(),
            next_number: 0,
            leases: BTreeSet::new(),
            online: true,
            disk_room: None,
            languages: Vec::new(),
            notices: Vec::new(),
            hearing: asked::Hearing::default(),
            absent_files: BTreeSet::new(),
            watch: rules::Watch::default(),
            faults: Faults::none(),
        };
        world.hear(Event::Restarted);
        world
    }

    /// A copy of this world in which chance goes another way from here on.
    #[must_use]
    pub fn branch(&self, seed: u64) -> Self {
        Self { rng: Rng::new(seed), ..self.clone() }
    }

    /// The engine's state.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Chance, for what a scenario leaves to it.
    pub const fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Now {
        Now { wall: WallTime(EPOCH_MS + self.now_ms), monotonic: MonotonicTime(self.now_ms) }
    }

    /// Virtual milliseconds since the world began.
    #[must_use]
    pub const fn elapsed_ms(&self) -> u64 {
        self.now_ms
    }

    /// What was told to whoever listened, with the time.
    #[must_use]
    pub fn notices(&self) -> &[(u64, Notice)] {
        &self.notices
    }

    /// Lets time pass.
    pub fn run_for(&mut self, span_ms: u64) {
        let end = self.now_ms + span_ms;
        while self.agenda.first_key_value().is_some_and(|((at, _), _)| *at <= end) {
            self.step();
        }
        self.now_ms = end;
    }

    /// Lets time pass until `condition` holds.
    ///
    /// # Panics
    /// When it does not hold within ten days, naming `what`.
    pub fn run_until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let end = self.now_ms + SETTLE_MAX_MS;
        while !condition(self) {
            assert!(self.now_ms < end && self.step(), "{what} does not happen; {}", self.unrest());
        }
    }

    /// Ends every fault, brings the network back, makes room on the disk, closes the readers; then lets time pass until
    /// nothing is owed and nothing is on its way. Rule 5 of the engine: that moment comes.
    ///
    /// # Panics
    /// When it does not come within ten days, or the rules do not hold then.
    pub fn settle(&mut self) {
        self.faults = Faults::none();
        self.leases.clear();
        self.set_disk_room(None);
        self.set_network(Network::Online);
        self.run_until("rest", Self::is_at_rest);
        self.check_rest();
    }

    /// Does the next thing that is to happen; false when there is none.
    fn step(&mut self) -> bool {
        let Some(((at, _), (life, happening))) = self.agenda.pop_first() else { return false };
        self.now_ms = self.now_ms.max(at);
        if life != self.life {
            return true;
        }
        match happening {
            Happening::Step(id) => self.get_on(id),
            Happening::Report(event) => self.hear(event),
            Happening::Answer(call) => self.answer_inquiry(call),
            Happening::Timer if self.timer == Some(MonotonicTime(at)) => {
                self.timer = None;
                self.hear(Event::TimerDue);
            }
            Happening::Timer => {}
        }
        true
    }

    fn schedule(&mut self, delay_ms: u64, happening: Happening) {
        self.next_happening += 1;
        let at = self.now_ms + delay_ms;
        self.agenda.insert((at, self.next_happening), (self.life, happening));
    }

    /// Takes the network away, or brings it back.
    pub fn set_network(&mut self, network: Network) {
        self.online = network == Network::Online;
        self.tell_facts();
    }

    /// Leaves this many bytes of room for all packs; none for as many as there may be.
    pub fn set_disk_room(&mut self, room_bytes: Option<u64>) {
        self.disk_room = room_bytes;
        self.tell_facts();
    }

    /// The person who uses the device reads these languages, best first.
    pub fn set_languages(&mut self, tags: &[&str]) {
        self.languages = tags.iter().map(|tag| places::language(tag)).collect();
        self.tell_facts();
    }

    /// Bytes of room that are left.
    fn room(&self) -> u64 {
        self.disk_room.map_or(u64::MAX, |room| room.saturating_sub(self.disk.used_bytes()))
    }

    fn tell_facts(&mut self) {
        let news = FactsChange {
            network: Some(if self.online { Network::Online } else { Network::Offline }),
            disk_free_bytes: Some(self.room().saturating_add(DISK_RESERVE_BYTES)),
            power: None,
            transfers_max: None,
            languages: Some(self.languages.clone()),
        };
        self.hear(Event::FactsChanged { news });
    }

    /// The publisher behind an app's repository.
    pub fn publisher(&mut self, app: &str) -> &mut Publisher {
        self.publishers.entry(places::repository(app)).or_default()
    }

    const fn fresh_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    fn fresh_client(&mut self) -> ClientId {
        ClientId(self.fresh_number())
    }
}
