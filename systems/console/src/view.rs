//! The console for other modules.

use keel::console::{ConsoleView, Dashboard, Key, LogLevel, Terminal, TerminalKind};
use keel::prelude::*;

/// [`ConsoleView`] over the world's [`Terminal`] and [`Dashboard`].
#[derive(Default)]
pub(crate) struct Console;

impl ConsoleView for Console {
    fn kind(&self, world: &World) -> Option<TerminalKind> {
        world.resource::<Terminal>().ok().map(|terminal| terminal.kind())
    }

    fn size(&self, world: &World) -> (u16, u16) {
        world.resource::<Terminal>().map_or((0, 0), |terminal| (terminal.columns(), terminal.rows()))
    }

    fn write(&self, world: &World, text: &str) {
        let Ok(mut terminal) = world.resource_mut::<Terminal>() else { return };
        let Ok(mut dashboard) = world.resource_mut::<Dashboard>() else { return };
        for line in terminal.write_text(text) {
            // An empty line is one, too.
            dashboard.log(LogLevel::Output, if line.is_empty() { " " } else { &line });
        }
    }

    fn write_line(&self, world: &World, text: &str) {
        self.write(world, &format!("{text}\n"));
    }

    fn read(&self, world: &World) -> Option<Key> {
        world.resource_mut::<Terminal>().ok()?.next_unused()
    }

    fn clear(&self, world: &World) {
        if let Ok(mut dashboard) = world.resource_mut::<Dashboard>() {
            dashboard.log.clear();
        }
    }
}
