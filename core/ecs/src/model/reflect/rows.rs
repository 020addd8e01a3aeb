//! The matches of a query by name, with places in their components read by path.

use keel_state::{AccessPlan, FromValue, LentColumn, ValueRef};

use crate::model::query::entity_of_row;
use crate::model::reflect::resolved::{AnyLending, Resolved};
use crate::{EcsError, Entity, PreparedPath, PreparedTerms, World};

/// One match of a query by name, while it is shown.
pub struct PathRow<'a> {
    entity: Entity,
    row: usize,
    world: &'a World,
    places: &'a [Place<'a>],
}

/// A path in the components of one archetype.
#[derive(Clone, Copy)]
struct Place<'a> {
    resolved: &'a Resolved,
    /// None if its entities have no such component.
    column: Option<LentColumn<'a>>,
}

impl PathRow<'_> {
    /// The entity.
    pub fn entity(&self) -> Entity {
        self.entity
    }

    /// What is at path number `path`, without a copy; `None` where the entity lacks the component, where that is sparse, or
    /// where the place can't be read in memory ([`PathRow::read`] can then).
    ///
    /// # Panics
    /// When there are not so many paths.
    #[inline]
    pub fn get(&self, path: usize) -> Option<ValueRef<'_>> {
        let Place { resolved, column } = &self.places[path];
        resolved.plan.read(column.as_ref()?.row(self.row)?)
    }

    /// What is at path number `path`.
    ///
    /// # Errors
    /// [`EcsError::MissingComponent`]; [`EcsError::Reflect`] when there is nothing now, or no `T`.
    ///
    /// # Panics
    /// When there are not so many paths.
    #[inline]
    pub fn read<T: FromValue>(&self, path: usize) -> Result<T, EcsError> {
        let Place { resolved, column } = &self.places[path];
        let lent = column.as_ref().and_then(|column| column.row(self.row));
        match lent.and_then(|lent| resolved.plan.read_as(lent)) {
            Some(read) => Ok(read?),
            None if column.is_none() => resolved.read_as(self.world, self.entity),
            None => resolved.convert_encoded(&resolved.encoded(self.world, Some(self.entity))?),
        }
    }

    /// The path with this number.
    pub fn plan(&self, path: usize) -> Option<&AccessPlan> {
        self.places.get(path).map(|place| &place.resolved.plan)
    }
}

impl PreparedTerms {
    /// Shows `visit` each match with what is at `paths` in it, archetype by archetype; how many there were. Only archetypes
    /// that are new are asked whether they match, and each column is borrowed once.
    ///
    /// ```
    /// use keel_ecs::{ModelTypeInfo, PreparedPath, PreparedTerms, World, component};
    ///
    /// #[component(crate = keel_ecs)]
    /// struct Position { x: f32 }
    /// # let mut world = World::new();
    /// # world.register(ModelTypeInfo::component::<Position>())?;
    /// # world.spawn_batch([1.0, 2.0].map(|x| (Position { x },)));
    ///
    /// let mut ships = PreparedTerms::new("Position".parse()?);
    /// let mut paths = [PreparedPath::parse("Position.x")?];
    /// let mut sum = 0.0;
    /// ships.for_each_row(&world, &mut paths, |row| sum += row.read::<f32>(0).unwrap_or_default())?;
    /// assert_eq!(sum, 3.0);
    /// # Ok::<(), keel_ecs::EcsError>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`PreparedTerms::matching`] and [`PreparedPath::type_name`]; [`EcsError::WrongKind`] for a path that is no
    /// component's. Nothing is visited then.
    ///
    /// # Panics
    /// When a living query writes one of the components.
    pub fn for_each_row(
        &mut self,
        world: &World,
        paths: &mut [PreparedPath],
        mut visit: impl FnMut(&PathRow<'_>),
    ) -> Result<usize, EcsError> {
        let matching = self.matching(world)?;
        for path in &mut *paths {
            world.component_named(path.path().type_name())?;
            path.resolve(world)?;
        }
        let resolved = paths.iter_mut().map(|path| path.resolve(world));
        let resolved = resolved.collect::<Result<Vec<&Resolved>, _>>()?;
        let (filter, mut count) = (self.filter(world)?, 0);
        let mut archetypes = world.inner().archetypes();
        let mut next = 0;
        for index in matching {
            let Some(archetype) = archetypes.nth(index - next) else { break };
            next = index + 1;
            if !archetype.is_empty() {
                with_columns(archetype, &resolved, &[], &mut |places| {
                    for (row, id) in archetype.ids().iter().enumerate() {
                        let entity = entity_of_row(world.generations(), *id);
                        if filter.as_ref().is_none_or(|filter| filter.accepts(entity)) {
                            count += 1;
                            visit(&PathRow { entity, row, world, places });
                        }
                    }
                });
            }
        }
        Ok(count)
    }
}

/// Borrows the columns of `left`, one within the other, and shows all of them together.
fn with_columns(
    archetype: &hecs::Archetype,
    left: &[&Resolved],
    borrowed: &[Place<'_>],
    show: &mut dyn FnMut(&[Place<'_>]),
) {
    let Some((&resolved, left)) = left.split_first() else { return show(borrowed) };
    let mut go_on = |column: Option<LentColumn<'_>>| {
        let mut borrowed = borrowed.to_vec();
        borrowed.push(Place { resolved, column });
        with_columns(archetype, left, &borrowed, show);
    };
    let has_column = match resolved.lending {
        AnyLending::Component(lending, _) => {
            (lending.lend_column)(&resolved.access, archetype, &mut |column| go_on(Some(column)))
        }
        _ => false,
    };
    if !has_column {
        go_on(None);
    }
}
