//! Deliveries from a real server into real folders.

mod beside;
mod gone;
mod held;
mod mirrors;
mod own_index;
mod repair;
mod resume;
mod stated;
mod world;
