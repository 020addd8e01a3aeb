//! Queries by name.

use keel::ecs::{EcsError, Entity, PreparedTerms, QueryRow, QueryTerms, QueryView, ShownRow, World};
use keel::state::SavedValue;

use crate::Ecs;

impl QueryView for Ecs {
    fn parse(&self, text: &str) -> Result<QueryTerms, EcsError> {
        text.parse()
    }

    fn check(&self, world: &World, terms: &QueryTerms) -> Result<(), EcsError> {
        world.matching(terms).map(drop)
    }

    fn entities(&self, world: &World, terms: &QueryTerms) -> Result<Vec<Entity>, EcsError> {
        world.entities_matching(terms)
    }

    fn count(&self, world: &World, terms: &QueryTerms) -> Result<usize, EcsError> {
        world.count_matching(terms)
    }

    fn is_empty(&self, world: &World, terms: &QueryTerms) -> Result<bool, EcsError> {
        Ok(world.count_matching(terms)? == 0)
    }

    fn first(&self, world: &World, terms: &QueryTerms) -> Result<Option<QueryRow>, EcsError> {
        Ok(self.page(world, terms, 0, 1)?.pop())
    }

    fn single(&self, world: &World, terms: &QueryTerms) -> Result<Option<QueryRow>, EcsError> {
        match world.count_matching(terms)? {
            1 => self.first(world, terms),
            _ => Ok(None),
        }
    }

    fn matches(&self, world: &World, terms: &QueryTerms, entity: Entity) -> Result<bool, EcsError> {
        world.matches(terms, entity)
    }

    fn row(&self, world: &World, terms: &QueryTerms, entity: Entity) -> Result<Option<QueryRow>, EcsError> {
        match world.matches(terms, entity)? {
            true => world.row(terms, entity).map(Some),
            false => Ok(None),
        }
    }

    fn rows(&self, world: &World, terms: &QueryTerms) -> Result<Vec<QueryRow>, EcsError> {
        self.page(world, terms, 0, usize::MAX)
    }

    fn page(
        &self,
        world: &World,
        terms: &QueryTerms,
        skip: usize,
        count: usize,
    ) -> Result<Vec<QueryRow>, EcsError> {
        let entities = world.entities_matching(terms)?.into_iter().skip(skip).take(count);
        entities.map(|entity| world.row(terms, entity)).collect()
    }

    fn values(&self, world: &World, terms: &QueryTerms) -> Result<Vec<ShownRow>, EcsError> {
        self.rows(world, terms)?.into_iter().map(shown).collect()
    }

    fn column(&self, world: &World, terms: &QueryTerms, name: &str) -> Result<Vec<SavedValue>, EcsError> {
        world.component_named(name)?;
        world.entities_matching(terms)?.into_iter().map(|entity| world.value(entity, name)).collect()
    }

    fn visit(
        &self,
        world: &World,
        terms: &QueryTerms,
        visit: &mut dyn FnMut(&QueryRow) -> bool,
    ) -> Result<usize, EcsError> {
        let mut visited = 0;
        for entity in world.entities_matching(terms)? {
            visited += 1;
            if !visit(&world.row(terms, entity)?) {
                break;
            }
        }
        Ok(visited)
    }

    fn prepare(&self, world: &World, terms: &QueryTerms) -> Result<PreparedTerms, EcsError> {
        let mut query = PreparedTerms::new(terms.clone());
        query.matching(world)?;
        Ok(query)
    }

    fn entities_prepared(&self, world: &World, query: &mut PreparedTerms) -> Result<Vec<Entity>, EcsError> {
        query.entities(world)
    }

    fn count_prepared(&self, world: &World, query: &mut PreparedTerms) -> Result<usize, EcsError> {
        Ok(self.entities_prepared(world, query)?.len())
    }
}

fn shown(row: QueryRow) -> Result<ShownRow, EcsError> {
    let components =
        row.components.iter().map(|value| Ok(value.as_ref().map(SavedValue::value).transpose()?));
    Ok(ShownRow { entity: row.entity, components: components.collect::<Result<_, EcsError>>()? })
}
