//! Relations as parameters.

use std::marker::PhantomData;

use keel_ecs::{Access, Component, EcsError, Entity, Relation, Sources, Targets, World};

use super::{ParamUses, SystemContext, SystemParam, sealed, short_name};

/// Who is related to whom by `R`, in both directions. Commands change it: [`relate`](keel_ecs::Commands::relate) and
/// [`unrelate`](keel_ecs::Commands::unrelate).
pub struct Relations<'a, R: Relation> {
    world: &'a World,
    relation: PhantomData<fn() -> R>,
}

impl<'a, R: Relation> Relations<'a, R> {
    /// The entities that `source` is related to, in the order in which they came; none for a stale id.
    #[inline]
    pub fn targets(&self, source: Entity) -> &'a [Entity] {
        self.world.targets::<R>(source)
    }

    /// The entities that are related to `target`, in the order in which they came; none for a stale id.
    #[inline]
    pub fn sources(&self, target: Entity) -> &'a [Entity] {
        self.world.sources::<R>(target)
    }

    /// The first entity that `source` is related to; the only one if `R` is exclusive.
    #[inline]
    pub fn target(&self, source: Entity) -> Option<Entity> {
        self.world.target::<R>(source)
    }

    /// Whether `source` is related to `target`.
    #[inline]
    pub fn is_related(&self, source: Entity, target: Entity) -> bool {
        self.world.is_related::<R>(source, target)
    }
}

impl<R: Relation> sealed::Sealed for Relations<'_, R> {}

impl<R: Relation> SystemParam for Relations<'_, R> {
    type State = ();
    type Item<'a> = Relations<'a, R>;

    fn state() {}

    fn declare(uses: &mut ParamUses) {
        let mut access = Access::new();
        access.add_read(Targets::<R>::ID, Targets::<R>::NAME);
        access.add_read(Sources::<R>::ID, Sources::<R>::NAME);
        uses.add(format!("Relations<{}>", short_name::<R>()), access);
    }

    fn fetch<'a>((): &'a mut (), context: &SystemContext<'a>) -> Result<Relations<'a, R>, String> {
        if context.world.type_info(Targets::<R>::ID).is_none() {
            let error = EcsError::NotRegistered { name: R::NAME.to_owned() };
            let name = short_name::<R>();
            return Err(format!("it did not run: its parameter `Relations<{name}>` can't be had: {error}"));
        }
        Ok(Relations { world: context.world, relation: PhantomData })
    }
}
