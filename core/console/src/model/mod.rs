//! The data of the console area.

use keel_ecs::{EcsError, ModelTypeInfo, World};

pub(crate) mod dashboard;
pub(crate) mod input;
pub(crate) mod log;
pub(crate) mod pace;
pub(crate) mod picture;
pub(crate) mod swap;
pub(crate) mod terminal;

use dashboard::Dashboard;
use terminal::Terminal;

/// The types of the console area that live in a world.
pub fn own_types() -> [ModelTypeInfo; 2] {
    [ModelTypeInfo::resource::<Terminal>(), ModelTypeInfo::resource::<Dashboard>()]
}

/// Makes the console area's types known to `world`, and puts in those resources that it lacks.
///
/// # Errors
/// [`EcsError`] when another type has one of the names.
pub fn install(world: &mut World) -> Result<(), EcsError> {
    for own in own_types() {
        world.register(own)?;
    }
    if !world.has_resource::<Terminal>() {
        world.insert_resource(Terminal::default())?;
    }
    if !world.has_resource::<Dashboard>() {
        world.insert_resource(Dashboard::default())?;
    }
    Ok(())
}

/// Moves terminal and dashboard into `to`, which takes the place of `from`: they tell of the outside, which stays
/// what it is when a world is rebuilt, restored or reset.
///
/// # Errors
/// As [`install`].
pub fn carry_over(from: &mut World, to: &mut World) -> Result<(), EcsError> {
    install(to)?;
    if let Some(terminal) = from.remove_resource::<Terminal>() {
        to.insert_resource(terminal)?;
    }
    if let Some(dashboard) = from.remove_resource::<Dashboard>() {
        to.insert_resource(dashboard)?;
    }
    Ok(())
}
