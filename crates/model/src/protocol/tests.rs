//! The interface files and the types say the same; hostile calls end in errors.

mod idl;
mod interfaces;
mod messages;
mod samples;
