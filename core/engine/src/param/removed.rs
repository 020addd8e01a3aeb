//! Entities that have lost a component, as a parameter.

use keel_ecs::{Access, Component, EcsError, Entity, RemovalCursor, Removals, Tracked};

use super::{KeptParam, ParamUses, SystemContext, SystemParam, VisitKept, sealed, short_name};

/// The entities that have lost their `T` and that this system has not seen yet: it was taken from them, or they were
/// despawned. Each is told as long as an event is kept. Where the system stands in them outlives a swap.
///
/// `T` must be tracked: `#[component(tracked)]`.
pub struct Removed<'a, T: Component + Tracked> {
    cursor: &'a mut RemovalCursor<T>,
    removals: Removals<'a, T>,
}

impl<T: Component + Tracked> Removed<'_, T> {
    /// Those that this system has not seen and that are still told, oldest first; they count as seen.
    pub fn read(&mut self) -> impl ExactSizeIterator<Item = Entity> {
        self.cursor.read(&self.removals)
    }

    /// How many wait for this system.
    pub fn len(&self) -> usize {
        self.cursor.waiting(&self.removals)
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many were no longer told when this system came to see them, since it read last.
    pub fn missed(&self) -> u64 {
        self.cursor.missed(&self.removals)
    }

    /// Counts all so far as seen.
    pub fn clear(&mut self) {
        self.cursor.skip_all(&self.removals);
    }
}

impl<T: Component + Tracked> sealed::Sealed for Removed<'_, T> {}

impl<T: Component + Tracked> SystemParam for Removed<'_, T> {
    type State = RemovalCursor<T>;
    type Item<'a> = Removed<'a, T>;

    fn state() -> RemovalCursor<T> {
        RemovalCursor::default()
    }

    // Who has lost one changes with the structure of the world alone, while no system runs.
    fn declare(uses: &mut ParamUses) {
        uses.add(format!("Removed<{}>", short_name::<T>()), Access::new());
    }

    fn fetch<'a>(
        cursor: &'a mut RemovalCursor<T>,
        context: &SystemContext<'a>,
    ) -> Result<Removed<'a, T>, String> {
        if context.world.type_info(T::ID).is_none() {
            let error = EcsError::NotRegistered { name: T::NAME.to_owned() };
            let name = short_name::<T>();
            return Err(format!("it did not run: its parameter `Removed<{name}>` can't be had: {error}"));
        }
        Ok(Removed { cursor, removals: context.world.removals() })
    }

    fn visit_kept(cursor: &mut RemovalCursor<T>, visit: &mut VisitKept<'_>) {
        let name = format!("Removed<{}>", T::NAME);
        visit(KeptParam { name, is_position: true, is_saved: true, value: cursor });
    }
}
