//! A world in which the service's brain can be tried without waiting: a clock that is moved, a network and a disk that fail
//! on command, and a performer that does in them what the daemon does in the real one.
//!
//! A world is a function of its seed: the same seed gives the same run on every machine, so a failure that was seen once can
//! be seen again. The scenario tests of this crate read as the manual of the engine.
//!
//! Start with [`World`] and [`seeds::run`]; [`Disk`] is the model of a file system that loses what was not synced.

mod disk;
mod publisher;
mod rng;
pub mod seeds;
mod world;

pub use disk::Disk;
pub use publisher::{Publisher, Recipe, Standing};
pub use rng::Rng;
pub use world::{Faults, World};
