//! The repository from the outside: authors who publish, devices that check, and what happens in between.

mod app_versions;
mod change;
mod collisions;
mod cost;
mod documents;
mod hostile;
mod keep;
mod kill;
mod mirrors;
mod prepare;
mod publish;
mod reading;
mod trust;
mod world;
