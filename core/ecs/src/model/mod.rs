//! The data of the ECS area.

pub(crate) mod access;
pub(crate) mod bundle;
pub(crate) mod change;
pub(crate) mod commands;
pub(crate) mod component;
pub(crate) mod dropped;
pub(crate) mod dynamic;
pub(crate) mod entity;
pub(crate) mod event;
pub(crate) mod hash;
pub(crate) mod hierarchy;
pub(crate) mod name;
mod pooled;
pub(crate) mod prefab;
pub(crate) mod query;
pub(crate) mod reaction;
pub(crate) mod reflect;
pub(crate) mod resource;
pub(crate) mod snapshot;
pub(crate) mod sparse;
pub(crate) mod statistics;
pub(crate) mod terms;
pub(crate) mod ticks;
mod tuples;
pub(crate) mod types;
pub(crate) mod values;
pub(crate) mod world;
