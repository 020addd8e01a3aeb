//! Events, by name.

use keel::ecs::{EcsError, EventPosition, EventView, ModelTypeKind, TypeSummary, World};
use keel::state::{SavedValue, Value};

use crate::Ecs;

impl EventView for Ecs {
    fn names(&self, world: &World) -> Vec<String> {
        let events = world.type_summaries().into_iter().filter(|it| it.kind == ModelTypeKind::Event);
        events.map(|it| it.name).collect()
    }

    fn info(&self, world: &World, name: &str) -> Result<TypeSummary, EcsError> {
        world.event_named(name).map(|info| info.summary())
    }

    fn count(&self, world: &World, name: &str) -> Result<usize, EcsError> {
        Ok(world.event_count(name)?.kept)
    }

    fn count_all(&self, world: &World) -> Result<usize, EcsError> {
        self.names(world).iter().map(|name| self.count(world, name)).sum()
    }

    fn sent(&self, world: &World, name: &str) -> Result<u64, EcsError> {
        Ok(world.event_count(name)?.sent)
    }

    fn send(&self, world: &World, name: &str, event: &SavedValue) -> Result<(), EcsError> {
        world.send_value(name, event)
    }

    fn send_many(&self, world: &World, name: &str, events: &[SavedValue]) -> Result<(), EcsError> {
        world.send_values(name, events)
    }

    fn send_default(&self, world: &World, name: &str) -> Result<(), EcsError> {
        world.event_named(name)?;
        world.send_value(name, &world.default_of(name)?)
    }

    fn oldest(&self, world: &World, name: &str) -> Result<EventPosition, EcsError> {
        Ok(EventPosition { next: world.event_count(name)?.first() })
    }

    fn newest(&self, world: &World, name: &str) -> Result<EventPosition, EcsError> {
        Ok(EventPosition { next: world.event_count(name)?.sent })
    }

    fn read(
        &self,
        world: &World,
        name: &str,
        cursor: &mut EventPosition,
    ) -> Result<Vec<SavedValue>, EcsError> {
        let events = world.event_values(name, cursor.next, usize::MAX)?;
        *cursor = self.newest(world, name)?;
        Ok(events.into_iter().map(|(_, event)| event).collect())
    }

    fn read_values(
        &self,
        world: &World,
        name: &str,
        cursor: &mut EventPosition,
    ) -> Result<Vec<Value>, EcsError> {
        let events = self.read(world, name, cursor)?;
        events.iter().map(|event| Ok(event.value()?)).collect()
    }

    fn peek(&self, world: &World, name: &str, cursor: EventPosition) -> Result<Option<SavedValue>, EcsError> {
        Ok(world.event_values(name, cursor.next, 1)?.pop().map(|(_, event)| event))
    }

    fn get(&self, world: &World, name: &str, number: u64) -> Result<Option<SavedValue>, EcsError> {
        let found = world.event_values(name, number, 1)?.pop();
        Ok(found.filter(|(found, _)| *found == number).map(|(_, event)| event))
    }

    fn last(&self, world: &World, name: &str) -> Result<Option<SavedValue>, EcsError> {
        match world.event_count(name)?.sent {
            0 => Ok(None),
            sent => self.get(world, name, sent - 1),
        }
    }

    fn waiting(&self, world: &World, name: &str, cursor: EventPosition) -> Result<usize, EcsError> {
        let count = world.event_count(name)?;
        Ok((count.sent - cursor.next.clamp(count.first(), count.sent)) as usize)
    }

    fn missed(&self, world: &World, name: &str, cursor: EventPosition) -> Result<u64, EcsError> {
        Ok(world.event_count(name)?.first().saturating_sub(cursor.next))
    }

    fn drain(&self, world: &mut World, name: &str) -> Result<Vec<SavedValue>, EcsError> {
        let events = world.event_values(name, 0, usize::MAX)?;
        world.clear_events_named(name)?;
        Ok(events.into_iter().map(|(_, event)| event).collect())
    }

    fn clear(&self, world: &mut World, name: &str) -> Result<(), EcsError> {
        world.clear_events_named(name)
    }

    fn clear_all(&self, world: &mut World) {
        world.clear_events();
    }

    fn end_step(&self, world: &mut World) {
        world.end_step();
    }
}
