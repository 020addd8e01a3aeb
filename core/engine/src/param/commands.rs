//! Structural changes as a parameter.
//!
//! A system takes `&mut Commands` and not a type of its own that lends them: it is what a frame has, what handlers have,
//! and what helper functions of an author take.

use keel_ecs::{Access, Commands, World};

use super::{ParamUses, SystemContext, SystemParam, sealed};

impl sealed::Sealed for &mut Commands {}

impl SystemParam for &mut Commands {
    type State = Commands;
    type Item<'a> = &'a mut Commands;

    fn state() -> Commands {
        Commands::new()
    }

    fn declare(uses: &mut ParamUses) {
        uses.add("&mut Commands".to_owned(), Access::new());
        uses.add_commands();
    }

    fn fetch<'a>(
        commands: &'a mut Commands,
        context: &SystemContext<'a>,
    ) -> Result<&'a mut Commands, String> {
        commands.set_max(context.world.limits().commands);
        Ok(commands)
    }

    fn apply(commands: &mut Commands, world: &mut World) -> Result<(), String> {
        if commands.is_empty() {
            return Ok(());
        }
        let failed = commands.apply(world);
        match failed.first() {
            None => Ok(()),
            Some(error) => Err(format!("{} of its commands failed, the first: {error}", failed.len())),
        }
    }

    fn discard(commands: &mut Commands) {
        drop(std::mem::take(commands));
    }
}
