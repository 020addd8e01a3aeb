//! Points in the history of a world.

use keel_module_macros::data;

/// A point in the history of one world: whoever remembers it can ask what has changed since. Kept in a module's fields, it
/// survives a swap. The default is the point before anything was.
///
/// ```
/// use keel_ecs::{Changed, Entity, ModelTypeInfo, World, component};
///
/// #[component(crate = keel_ecs, tracked)]
/// struct Hull { planks: u32 }
///
/// let mut world = World::new();
/// world.register(ModelTypeInfo::component::<Hull>())?;
/// let [ship, _boat] = [3, 4].map(|planks| world.spawn((Hull { planks },)));
///
/// let mark = world.mark_changes();
/// world.get_mut::<Hull>(ship)?.planks += 1;
/// let changed = world.query_since::<Entity, Changed<Hull>>(mark).entities();
/// assert_eq!(changed, [ship]);
/// # Ok::<(), keel_ecs::EcsError>(())
/// ```
#[data(crate = keel_state)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeMark {
    pub(super) tick: u64,
}

/// What is new to one who looks, and the tick of what they write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeWindow {
    pub(super) since: u64,
    pub(super) now: u64,
}

impl ChangeWindow {
    /// The same, for one who looked at `mark` last.
    #[inline]
    #[must_use]
    pub fn since(self, mark: ChangeMark) -> Self {
        Self { since: mark.tick, ..self }
    }

    /// The same, so many ticks later.
    #[inline]
    #[must_use]
    pub fn later(self, ticks: u64) -> Self {
        Self { now: self.now + ticks, ..self }
    }

    /// What one who has looked in this window remembers.
    #[inline]
    pub fn mark(self) -> ChangeMark {
        ChangeMark { tick: self.now }
    }
}

/// A window as the tables count: in ticks since the clock's base.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct TickWindow {
    pub(crate) since: u32,
    pub(crate) now: u32,
}

/// When this many ticks have passed since the base, it is moved on.
const REACH_MAX: u64 = 1 << 31;

/// So many of the latest ticks are told apart when the base is moved. A hundred systems at 60 steps a second make as many
/// in two days.
const REACH_KEPT: u64 = 1 << 30;

/// The time of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// The tick of what is written through the world itself.
    pub(super) now: u64,
    /// Where the world's own queries have looked last.
    pub(super) since: u64,
    /// Where the tables begin to count; 0 in a table is no tick.
    pub(super) base: u64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { now: 1, since: 0, base: 0 }
    }
}

impl Clock {
    pub(super) fn window(&self) -> ChangeWindow {
        ChangeWindow { since: self.since, now: self.now }
    }

    /// A window as the tables count. One who looked last before the base sees all there is, and so does one who has looked
    /// in another world, whose time was later.
    #[inline]
    pub(super) fn ticks(&self, window: ChangeWindow) -> TickWindow {
        let since = if window.since > window.now { 0 } else { window.since };
        TickWindow { since: self.since_base(since), now: self.since_base(window.now) }
    }

    #[inline]
    pub(super) fn since_base(&self, tick: u64) -> u32 {
        u32::try_from(tick.saturating_sub(self.base)).unwrap_or(u32::MAX)
    }

    /// Moves on, and says by how much the tables are to count from later on.
    #[inline]
    #[must_use]
    pub(super) fn advance(&mut self, ticks: u64) -> Option<u32> {
        self.now += ticks;
        let reach = self.now - self.base;
        (reach >= REACH_MAX).then(|| {
            let shift = reach - REACH_KEPT;
            self.base += shift;
            u32::try_from(shift).unwrap_or(u32::MAX)
        })
    }
}
