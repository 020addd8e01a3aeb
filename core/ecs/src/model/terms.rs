//! Queries by name: for tools and for modules that don't know the types they ask for.

use std::fmt;
use std::str::FromStr;

use keel_module_macros::data;
use keel_state::SavedValue;

use crate::{EcsError, Entity, ModelTypeInfo, StorageKind, World};

/// Which entities, by the declared names of their components.
///
/// ```
/// use keel_ecs::QueryTerms;
///
/// let terms: QueryTerms = "Position, !Frozen, ?Name, (Fish|Shark)".parse()?;
/// let same = QueryTerms::new().with("Position").without("Frozen").optional("Name").any(&["Fish", "Shark"]);
/// assert_eq!(terms, same);
/// assert_eq!(terms.to_string(), "Position, !Frozen, ?Name, (Fish|Shark)");
/// # Ok::<(), keel_ecs::EcsError>(())
/// ```
#[data(crate = keel_state)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryTerms {
    /// All of these.
    pub with: Vec<String>,
    /// None of these.
    pub without: Vec<String>,
    /// Handed out where an entity has them.
    pub optional: Vec<String>,
    /// Of each of these lists, at least one.
    pub any: Vec<Vec<String>>,
}

impl QueryTerms {
    /// All entities.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only entities that have a `component`, which is handed out.
    #[must_use]
    pub fn with(mut self, component: &str) -> Self {
        self.with.push(component.to_owned());
        self
    }

    /// Only entities that have no `component`.
    #[must_use]
    pub fn without(mut self, component: &str) -> Self {
        self.without.push(component.to_owned());
        self
    }

    /// Hands out `component` where an entity has it.
    #[must_use]
    pub fn optional(mut self, component: &str) -> Self {
        self.optional.push(component.to_owned());
        self
    }

    /// Only entities that have at least one of `components`.
    #[must_use]
    pub fn any(mut self, components: &[&str]) -> Self {
        self.any.push(components.iter().map(|name| (*name).to_owned()).collect());
        self
    }

    /// The components that are handed out: those of [`QueryTerms::with`], then those of [`QueryTerms::optional`].
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.with.iter().chain(&self.optional).map(String::as_str)
    }
}

impl FromStr for QueryTerms {
    type Err = EcsError;

    /// Reads `Name`, `!Name`, `?Name` and `(A|B)`, with commas between; nothing at all is every entity.
    fn from_str(text: &str) -> Result<Self, EcsError> {
        let mut terms = Self::new();
        for term in text.split(',').map(str::trim).filter(|_| !text.trim().is_empty()) {
            let bad = || EcsError::QueryText { text: text.to_owned(), term: term.to_owned() };
            let name = |name: &str| match name.trim() {
                "" => Err(bad()),
                name if name.contains(['(', ')', '|', '!', '?', ' ']) => Err(bad()),
                name => Ok(name.to_owned()),
            };
            if let Some(inner) = term.strip_prefix('(') {
                let inner = inner.strip_suffix(')').ok_or_else(bad)?;
                terms.any.push(inner.split('|').map(name).collect::<Result<_, _>>()?);
            } else if let Some(without) = term.strip_prefix('!') {
                terms.without.push(name(without)?);
            } else if let Some(optional) = term.strip_prefix('?') {
                terms.optional.push(name(optional)?);
            } else {
                terms.with.push(name(term)?);
            }
        }
        Ok(terms)
    }
}

impl fmt::Display for QueryTerms {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with = self.with.iter().cloned();
        let without = self.without.iter().map(|name| format!("!{name}"));
        let optional = self.optional.iter().map(|name| format!("?{name}"));
        let any = self.any.iter().map(|names| format!("({})", names.join("|")));
        out.write_str(&with.chain(without).chain(optional).chain(any).collect::<Vec<_>>().join(", "))
    }
}

/// One match of a query by name.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryRow {
    /// The entity.
    pub entity: Entity,
    /// What [`QueryTerms::columns`] names, in that order; `None` where the entity lacks an optional component.
    pub components: Vec<Option<SavedValue>>,
}

/// [`QueryTerms`] that remember which archetypes match, so that asking again only looks at those that are new.
/// Plain data: it may be kept across a swap.
#[data(crate = keel_state)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreparedTerms {
    terms: QueryTerms,
    /// Which world, and which rebuilding of it, the indices belong to.
    world: u64,
    seen: u64,
    matching: Vec<u64>,
}

impl PreparedTerms {
    /// Remembers nothing yet.
    pub fn new(terms: QueryTerms) -> Self {
        Self { terms, ..Self::default() }
    }

    /// What is asked for.
    pub fn terms(&self) -> &QueryTerms {
        &self.terms
    }

    /// The places of the archetypes whose entities may match, in order; see [`World::matching`].
    ///
    /// # Errors
    /// Those of [`World::component_named`], for any of the terms.
    pub fn matching(&mut self, world: &World) -> Result<Vec<usize>, EcsError> {
        if self.world != world.incarnation() {
            *self = Self { world: world.incarnation(), ..Self::new(std::mem::take(&mut self.terms)) };
        }
        let terms = Resolved::new(world, &self.terms)?;
        let archetypes = world.inner().archetypes();
        let known = archetypes.len() as u64;
        let new = (0..known).zip(archetypes).skip(self.seen as usize);
        self.matching
            .extend(new.filter(|(_, archetype)| terms.match_archetype(archetype)).map(|(index, _)| index));
        self.seen = known;
        Ok(self.matching.iter().map(|index| *index as usize).collect())
    }

    /// Asks the entities of matching archetypes, where that has to be done: where a term is sparse.
    pub(crate) fn filter<'w>(&self, world: &'w World) -> Result<Option<EntityFilter<'w>>, EcsError> {
        let terms = Resolved::new(world, &self.terms)?;
        Ok(terms.asks_each().then_some(EntityFilter { world, terms }))
    }

    /// The entities that match, archetype by archetype.
    ///
    /// # Errors
    /// As [`PreparedTerms::matching`].
    pub fn entities(&mut self, world: &World) -> Result<Vec<Entity>, EcsError> {
        let places = self.matching(world)?;
        Resolved::new(world, &self.terms)?.entities(world, &places)
    }
}

/// Asks entities whether they match.
pub(crate) struct EntityFilter<'w> {
    world: &'w World,
    terms: Resolved<'w>,
}

impl EntityFilter<'_> {
    pub(crate) fn accepts(&self, entity: Entity) -> bool {
        self.terms.match_entity(&|info| self.world.has_component(entity, info).unwrap_or_default())
    }
}

/// Terms with their types looked up.
struct Resolved<'w> {
    with: Vec<&'w ModelTypeInfo>,
    without: Vec<&'w ModelTypeInfo>,
    any: Vec<Vec<&'w ModelTypeInfo>>,
}

impl<'w> Resolved<'w> {
    fn new(world: &'w World, terms: &QueryTerms) -> Result<Self, EcsError> {
        let all = |names: &[String]| {
            let types = names.iter().map(|name| world.component_named(name).map(|info| &**info));
            types.collect::<Result<Vec<_>, EcsError>>()
        };
        all(&terms.optional)?;
        Ok(Self {
            with: all(&terms.with)?,
            without: all(&terms.without)?,
            any: terms.any.iter().map(|names| all(names)).collect::<Result<_, _>>()?,
        })
    }

    /// Whether entities of the archetype may match: what is sparse is asked of each of them.
    fn match_archetype(&self, archetype: &hecs::Archetype) -> bool {
        let has = |info: &ModelTypeInfo| archetype.has_dynamic(info.fingerprint().rust);
        let is_sparse = |info: &ModelTypeInfo| info.storage() == StorageKind::Sparse;
        self.with.iter().all(|info| is_sparse(info) || has(info))
            && !self.without.iter().any(|info| has(info))
            && self.any.iter().all(|infos| infos.iter().any(|info| is_sparse(info) || has(info)))
    }

    fn match_entity(&self, has: &dyn Fn(&ModelTypeInfo) -> bool) -> bool {
        self.with.iter().all(|info| has(info))
            && !self.without.iter().any(|info| has(info))
            && self.any.iter().all(|infos| infos.iter().any(|info| has(info)))
    }

    /// Whether each entity has to be asked.
    fn asks_each(&self) -> bool {
        let mut all = self.with.iter().chain(&self.without).chain(self.any.iter().flatten());
        all.any(|info| info.storage() == StorageKind::Sparse)
    }

    /// Those entities of the archetypes at these places that match.
    fn entities(&self, world: &World, places: &[usize]) -> Result<Vec<Entity>, EcsError> {
        let mut entities = Vec::new();
        for place in places {
            entities.extend(world.archetype_entities(*place)?);
        }
        if self.asks_each() {
            entities.retain(|entity| {
                self.match_entity(&|info| world.has_component(*entity, info).unwrap_or_default())
            });
        }
        Ok(entities)
    }
}

impl World {
    /// The places of the archetypes whose entities may match `terms`, in order; empty ones too. Where a term is sparse, not
    /// all of their entities need match.
    ///
    /// # Errors
    /// Those of [`World::component_named`], for any of the terms.
    pub fn matching(&self, terms: &QueryTerms) -> Result<Vec<usize>, EcsError> {
        let terms = Resolved::new(self, terms)?;
        let archetypes = self.inner().archetypes().enumerate();
        Ok(archetypes
            .filter(|(_, archetype)| terms.match_archetype(archetype))
            .map(|(index, _)| index)
            .collect())
    }

    /// The entities that match `terms`, archetype by archetype.
    ///
    /// # Errors
    /// As [`World::matching`].
    pub fn entities_matching(&self, terms: &QueryTerms) -> Result<Vec<Entity>, EcsError> {
        Resolved::new(self, terms)?.entities(self, &self.matching(terms)?)
    }

    /// How many entities match `terms`.
    ///
    /// # Errors
    /// As [`World::matching`].
    pub fn count_matching(&self, terms: &QueryTerms) -> Result<usize, EcsError> {
        let resolved = Resolved::new(self, terms)?;
        if resolved.asks_each() {
            return Ok(self.entities_matching(terms)?.len());
        }
        let archetypes = self.inner().archetypes().filter(|archetype| resolved.match_archetype(archetype));
        Ok(archetypes.map(|archetype| archetype.len() as usize).sum())
    }

    /// Whether `entity` matches `terms`.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`], and those of [`World::matching`].
    pub fn matches(&self, terms: &QueryTerms, entity: Entity) -> Result<bool, EcsError> {
        let terms = Resolved::new(self, terms)?;
        let has = self.components_of(entity)?;
        Ok(terms.match_entity(&|info| has.iter().any(|found| found.id() == info.id())))
    }

    /// What `terms` name of `entity`, which must match them.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`], [`EcsError::MissingComponent`], and those of [`World::matching`].
    ///
    /// # Panics
    /// When a living query writes one of the components; the message names it.
    pub fn row(&self, terms: &QueryTerms, entity: Entity) -> Result<QueryRow, EcsError> {
        let required = terms.with.iter().map(|name| self.value(entity, name).map(Some));
        let optional = terms.optional.iter().map(|name| match self.has_named(entity, name)? {
            true => self.value(entity, name).map(Some),
            false => Ok(None),
        });
        Ok(QueryRow { entity, components: required.chain(optional).collect::<Result<_, _>>()? })
    }
}
