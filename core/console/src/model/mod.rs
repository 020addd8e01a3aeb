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

/// The types of the console area that live in a world. Its terminals live in a pool.
pub fn own_types() -> [ModelTypeInfo; 1] {
    [ModelTypeInfo::resource::<Dashboard>()]
}

/// Makes the dashboard known to `world`, and puts one in if it has none.
///
/// # Errors
/// [`EcsError`] when another type has its name.
pub fn install(world: &mut World) -> Result<(), EcsError> {
    for own in own_types() {
        world.register(own)?;
    }
    if !world.has_resource::<Dashboard>() {
        world.insert_resource(Dashboard::default())?;
    }
    Ok(())
}
