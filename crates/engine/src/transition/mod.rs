//! What each event brings about: one module per part of a life, one function per transition.

pub(crate) mod begin;
pub(crate) mod cancel;
pub(crate) mod catalog;
pub(crate) mod check;
pub(crate) mod content;
pub(crate) mod due;
pub(crate) mod end;
pub(crate) mod ensure;
pub(crate) mod facts;
pub(crate) mod fail;
pub(crate) mod install;
pub(crate) mod languages;
pub(crate) mod place;
pub(crate) mod pump;
pub(crate) mod reconcile;
pub(crate) mod removal;
pub(crate) mod restart;
pub(crate) mod switch;
pub(crate) mod transfer;
pub(crate) mod uninstall;
