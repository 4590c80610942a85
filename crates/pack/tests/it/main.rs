//! The pack format from files to files.

mod archive;
mod delta;
mod format;
mod world;
