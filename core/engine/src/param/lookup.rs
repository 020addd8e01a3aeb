//! Time, entities, views, and the time that is left, as parameters.

use std::ops::Deref;
use std::time::{Duration, Instant};

use keel_core_types::ViewSource;
use keel_ecs::{Access, Component, Entity, Name, World};

use super::{ParamUses, SystemContext, SystemParam, sealed};
use crate::Time;

impl sealed::Sealed for Time {}

impl SystemParam for Time {
    type State = ();
    type Item<'a> = Time;

    fn state() {}

    fn declare(uses: &mut ParamUses) {
        uses.add("Time".to_owned(), Access::new());
    }

    fn fetch<'a>((): &'a mut (), context: &SystemContext<'a>) -> Result<Time, String> {
        Ok(context.time)
    }
}

/// Which entities there are. Those that commands of this run spawn come only when these are applied.
#[derive(Clone, Copy)]
pub struct Entities<'a> {
    world: &'a World,
}

impl Entities<'_> {
    /// Whether `entity` lives.
    #[inline]
    pub fn contains(&self, entity: Entity) -> bool {
        self.world.contains(entity)
    }

    /// How many entities live.
    pub fn len(&self) -> usize {
        self.world.len()
    }

    /// Whether no entity lives.
    pub fn is_empty(&self) -> bool {
        self.world.is_empty()
    }
}

impl sealed::Sealed for Entities<'_> {}

impl SystemParam for Entities<'_> {
    type State = ();
    type Item<'a> = Entities<'a>;

    fn state() {}

    fn declare(uses: &mut ParamUses) {
        uses.add("Entities".to_owned(), Access::new());
    }

    fn fetch<'a>((): &'a mut (), context: &SystemContext<'a>) -> Result<Entities<'a>, String> {
        Ok(Entities { world: context.world })
    }
}

/// Finds entities by their names. The index behind it is made before systems run that ask for it, if entities have come,
/// gone or changed their components since it was made last.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    world: &'a World,
}

impl Names<'_> {
    /// The entity called `name`; with several, the first that a query would meet.
    pub fn find(&self, name: &str) -> Option<Entity> {
        self.world.find(name)
    }

    /// Makes the index, while nobody else has the world.
    pub(crate) fn prepare(world: &mut World) {
        let _ = world.find("");
    }
}

impl sealed::Sealed for Names<'_> {}

impl SystemParam for Names<'_> {
    type State = ();
    type Item<'a> = Names<'a>;

    fn state() {}

    fn declare(uses: &mut ParamUses) {
        let mut access = Access::new();
        access.add_read(Name::ID, Name::NAME);
        uses.add("Names".to_owned(), access);
        uses.add_names();
    }

    fn fetch<'a>((): &'a mut (), context: &SystemContext<'a>) -> Result<Names<'a>, String> {
        Ok(Names { world: context.world })
    }
}

/// The views that other modules provide, and the pools of models, for this run. What a view does is not known here, so
/// two systems that ask for them never run at the same time.
#[derive(Clone, Copy)]
pub struct Views<'a> {
    source: &'a dyn ViewSource,
}

impl<'a> Views<'a> {
    /// The source itself, which lives as long as the run.
    pub fn source(self) -> &'a dyn ViewSource {
        self.source
    }
}

impl<'a> Deref for Views<'a> {
    type Target = dyn ViewSource + 'a;

    fn deref(&self) -> &Self::Target {
        self.source
    }
}

impl sealed::Sealed for Views<'_> {}

impl SystemParam for Views<'_> {
    type State = ();
    type Item<'a> = Views<'a>;

    fn state() {}

    fn declare(uses: &mut ParamUses) {
        uses.add_exclusion("Views".to_owned(), "the views");
    }

    fn fetch<'a>((): &'a mut (), context: &SystemContext<'a>) -> Result<Views<'a>, String> {
        Ok(Views { source: context.views })
    }
}

/// How much time is left for work that can wait, for a system of [`Stage::Idle`](crate::Stage::Idle). None is left in other
/// stages, nor when the driver has said nothing of it.
#[derive(Clone, Copy, Debug)]
pub struct IdleTime {
    deadline: Option<Instant>,
}

impl IdleTime {
    /// So long until the frame is to end.
    pub fn left(&self) -> Duration {
        self.deadline.map_or(Duration::ZERO, |deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Whether no time is left.
    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }
}

impl sealed::Sealed for IdleTime {}

impl SystemParam for IdleTime {
    type State = ();
    type Item<'a> = IdleTime;

    fn state() {}

    fn declare(uses: &mut ParamUses) {
        uses.add("IdleTime".to_owned(), Access::new());
    }

    fn fetch<'a>((): &'a mut (), context: &SystemContext<'a>) -> Result<IdleTime, String> {
        Ok(IdleTime { deadline: context.deadline })
    }
}
