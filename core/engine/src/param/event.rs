//! Events as parameters.

use keel_ecs::{Access, EcsError, Event, EventCursor, Events, Limits, World};

use super::{KeptParam, ParamUses, SystemContext, SystemParam, VisitKept, sealed, short_name};

/// The events of one type that this system has not seen yet. Where it stands in them outlives a swap.
pub struct EventReader<'a, E: Event> {
    cursor: &'a mut EventCursor<E>,
    events: Events<'a, E>,
}

impl<E: Event> EventReader<'_, E> {
    /// The events that this system has not seen and that are still kept, oldest first; they count as seen.
    pub fn read(&mut self) -> impl ExactSizeIterator<Item = &E> {
        self.cursor.read(&self.events)
    }

    /// How many events wait for this system.
    pub fn len(&self) -> usize {
        self.cursor.waiting(&self.events)
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many events were dropped before this system saw them, since it read last.
    pub fn missed(&self) -> u64 {
        self.cursor.missed(&self.events)
    }

    /// Counts all that was sent so far as seen.
    pub fn clear(&mut self) {
        self.cursor.skip_all(&self.events);
    }
}

impl<E: Event> sealed::Sealed for EventReader<'_, E> {}

impl<E: Event> SystemParam for EventReader<'_, E> {
    type State = EventCursor<E>;
    type Item<'a> = EventReader<'a, E>;

    fn state() -> EventCursor<E> {
        EventCursor::default()
    }

    fn declare(uses: &mut ParamUses) {
        let mut access = Access::new();
        access.add_read(E::ID, E::NAME);
        uses.add(format!("EventReader<{}>", short_name::<E>()), access);
    }

    fn fetch<'a>(
        cursor: &'a mut EventCursor<E>,
        context: &SystemContext<'a>,
    ) -> Result<EventReader<'a, E>, String> {
        check_known::<E>(context.world, "EventReader")?;
        Ok(EventReader { cursor, events: context.world.events() })
    }

    fn visit_kept(cursor: &mut EventCursor<E>, visit: &mut VisitKept<'_>) {
        visit(KeptParam {
            name: format!("EventReader<{}>", E::NAME),
            is_position: true,
            is_saved: true,
            value: cursor,
        });
    }
}

/// Sends events of one type. They are sent when the system's commands are applied, in the order in which the systems
/// stand in the schedule, so that two systems may send events of one type side by side.
pub struct EventWriter<'a, E: Event> {
    events: &'a mut Vec<E>,
    max: usize,
}

impl<E: Event> EventWriter<'_, E> {
    /// Sends `event`.
    ///
    /// # Panics
    /// When this system has sent as many as [`Limits`] allows; the message names it.
    #[inline]
    pub fn send(&mut self, event: E) {
        self.need_room();
        self.events.push(event);
    }

    /// Sends each of `events`.
    ///
    /// # Panics
    /// As [`EventWriter::send`].
    pub fn send_all(&mut self, events: impl IntoIterator<Item = E>) {
        let mut events = events.into_iter();
        let room = self.max.saturating_sub(self.events.len());
        // An iterator that is known to have an end is handed over whole: so it is written in one go.
        if events.size_hint().1.is_some_and(|most| most <= room) {
            return self.events.extend(events);
        }
        self.events.extend(events.by_ref().take(room));
        if events.next().is_some() {
            self.need_room();
        }
    }

    #[inline]
    fn need_room(&self) {
        assert!(self.events.len() < self.max, "{}", Limits::too_many_events(self.max, E::NAME));
    }
}

impl<E: Event> sealed::Sealed for EventWriter<'_, E> {}

impl<E: Event> SystemParam for EventWriter<'_, E> {
    type State = Vec<E>;
    type Item<'a> = EventWriter<'a, E>;

    fn state() -> Vec<E> {
        Vec::new()
    }

    fn declare(uses: &mut ParamUses) {
        uses.add(format!("EventWriter<{}>", short_name::<E>()), Access::new());
        uses.add_sending(E::NAME);
    }

    fn fetch<'a>(events: &'a mut Vec<E>, context: &SystemContext<'a>) -> Result<EventWriter<'a, E>, String> {
        check_known::<E>(context.world, "EventWriter")?;
        Ok(EventWriter { events, max: context.world.limits().events })
    }

    fn apply(events: &mut Vec<E>, world: &mut World) -> Result<(), String> {
        // Whoever sent none may have been refused for want of a queue.
        if !events.is_empty() {
            world.send_batch(events.drain(..));
        }
        Ok(())
    }

    fn discard(events: &mut Vec<E>) {
        events.clear();
    }
}

fn check_known<E: Event>(world: &World, param: &str) -> Result<(), String> {
    if world.type_info(E::ID).is_some() {
        return Ok(());
    }
    let error = EcsError::NotRegistered { name: E::NAME.to_owned() };
    Err(format!("it did not run: its parameter `{param}<{}>` can't be had: {error}", short_name::<E>()))
}
