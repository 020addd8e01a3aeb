//! Implements the views of the ECS area: structure and control of worlds and schedules, by name.
//!
//! Systems don't come through here: they query native columns. What does is tools, the console, and modules that
//! handle types they were not compiled with.
//!
//! The views work on worlds, and so does the pool that they name: a room of it is looked up by its id
//! (`Frame::on_world`), and given to a view as the running world is.

mod component;
mod entity;
mod event;
mod query;
mod reflection;
mod storage;
mod system;
mod world;

use keel::ecs::{ComponentView, EntityView, EventView, QueryView, ReflectionView, StorageView, WorldView};
use keel::engine::SystemView;
use keel::prelude::*;

/// The view model of the area. It has no state: every call is given the world it works on.
#[data]
#[derive(Clone, Copy, Default)]
pub struct Ecs;

#[view_model]
impl ViewModel for Ecs {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup.provide_on::<dyn ComponentView, World>(Box::new(*self));
        setup.provide_on::<dyn EntityView, World>(Box::new(*self));
        setup.provide_on::<dyn EventView, World>(Box::new(*self));
        setup.provide_on::<dyn QueryView, World>(Box::new(*self));
        setup.provide_on::<dyn ReflectionView, World>(Box::new(*self));
        setup.provide_on::<dyn WorldView, World>(Box::new(*self));
        setup.provide_on::<dyn StorageView, World>(Box::new(*self));
        setup.provide::<dyn SystemView>(Box::new(*self));
        Ok(())
    }
}

keel::export_module! {
    view_model: Ecs,
    provides: [
        dyn ComponentView, dyn EntityView, dyn EventView, dyn QueryView, dyn WorldView, dyn StorageView,
        dyn SystemView, dyn ReflectionView,
    ],
}
