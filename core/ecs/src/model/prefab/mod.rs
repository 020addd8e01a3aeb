//! Prefabs: named entities as data, from which instances are spawned that follow a later definition.
//!
//! A definition is values with their schemas, and holds nothing of the module that made it. It lies in the world, in a
//! resource, so that it is saved with the instances: what has changed in them is what differs from it.

mod instance;
mod spawn;
mod update;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use keel_core_types::hash_name;
use keel_module_macros::resource;
use keel_state::Value;
use serde::{Deserialize, Serialize};

pub use self::instance::PrefabPart;
pub use self::update::PrefabUpdate;
use crate::model::hierarchy::FAMILY_BYTES;
use crate::{Bundle, ComponentValue, EcsError, World};

/// The bytes of what each entity of an instance gets besides its components.
const PART_BYTES: usize = FAMILY_BYTES + size_of::<PrefabPart>();

/// What a prefab is to be: components, and children that are made of components and children.
///
/// ```
/// use keel_ecs::{ModelTypeInfo, Name, Prefab, World, component};
///
/// #[component(crate = keel_ecs)]
/// struct Hull { strength: u32 }
///
/// let mut world = World::new();
/// world.register(ModelTypeInfo::component::<Hull>())?;
/// let mast = Prefab::new().with((Name::new("mast"),));
/// let ship = Prefab::new().with((Hull { strength: 10 },)).child("mast", mast);
/// world.define_prefab("ship", &ship)?;
///
/// let first = world.spawn_prefab("ship", ())?;
/// let strong = world.spawn_prefab("ship", (Hull { strength: 90 },))?;
/// assert_eq!((world.children(first).len(), world.get::<Hull>(strong)?.strength), (1, 90));
///
/// // Defined anew, it changes what is still unchanged.
/// world.define_prefab("ship", &Prefab::new().with((Hull { strength: 20 },)))?;
/// assert_eq!((world.get::<Hull>(first)?.strength, world.get::<Hull>(strong)?.strength), (20, 90));
/// # Ok::<(), keel_ecs::EcsError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prefab {
    components: Vec<Given>,
    children: Vec<(String, Prefab)>,
}

/// A component of a prefab as its author gave it.
#[derive(Clone, Debug, PartialEq)]
enum Given {
    Value(ComponentValue),
    /// Made when the world's types are known.
    Named(String, Value),
    /// It could not be encoded.
    Failed(String, String),
}

impl Given {
    fn name(&self) -> &str {
        match self {
            Self::Value(component) => &component.name,
            Self::Named(name, _) | Self::Failed(name, _) => name,
        }
    }
}

impl Prefab {
    /// An entity without components.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds components; one that it has is replaced.
    #[must_use]
    pub fn with<B: Bundle>(mut self, bundle: B) -> Self {
        bundle.visit_values(&mut |name, value| {
            self.give(match value {
                Ok(value) => Given::Value(ComponentValue::new(name, value)),
                Err(error) => Given::Failed(name.to_owned(), error.to_string()),
            });
        });
        self
    }

    /// Adds the component called `name`, made of named values:
    /// `Prefab::new().with_named("Position", &[("x", 1.0.into())])`.
    #[must_use]
    pub fn with_named(mut self, name: &str, fields: &[(&str, Value)]) -> Self {
        let value = Value::named(fields.iter().map(|(name, value)| (*name, value.clone())));
        self.give(Given::Named(name.to_owned(), value));
        self
    }

    /// Adds a child, which [`World::prefab_part`] finds by `name`; one of that name is replaced.
    #[must_use]
    pub fn child(mut self, name: &str, child: Self) -> Self {
        self.children.retain(|(known, _)| known != name);
        self.children.push((name.to_owned(), child));
        self
    }

    fn give(&mut self, given: Given) {
        self.components.retain(|known| known.name() != given.name());
        self.components.push(given);
    }
}

/// The prefabs that a world knows. Worlds that are made alike share them.
#[resource(crate = keel_ecs, name = "keel.Prefabs")]
#[derive(Clone, Default)]
pub(crate) struct Prefabs {
    #[keel(opaque)]
    by_name: Arc<BTreeMap<String, Definition>>,
}

/// A prefab as it lies in a world.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Definition {
    /// The entity itself, whose path is empty, then what is below it: parents before their children.
    parts: Vec<Part>,
    /// Nobody defines it any more; what its instances are told by is kept.
    is_retired: bool,
}

/// One entity of a prefab.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Part {
    /// The names of the children that lead to it, with `/` between.
    path: String,
    components: Vec<SavedComponent>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedComponent {
    name: String,
    value: keel_state::SavedValue,
}

impl Definition {
    fn part(&self, path: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.path == path)
    }
}

impl Part {
    fn id(&self) -> u64 {
        part_id(&self.path)
    }

    /// The path of the part that it is a child of; none for the entity itself.
    fn parent(&self) -> Option<&str> {
        (!self.path.is_empty()).then(|| self.path.rsplit_once('/').map_or("", |(parent, _)| parent))
    }
}

fn part_id(path: &str) -> u64 {
    hash_name("prefab part", path)
}

fn prefab_id(name: &str) -> u64 {
    hash_name("prefab", name)
}

/// Where in a prefab something is, for people.
struct Place<'p> {
    prefab: &'p str,
    path: &'p str,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path {
            "" => write!(out, "prefab `{}`", self.prefab),
            path => write!(out, "child `{path}` of prefab `{}`", self.prefab),
        }
    }
}

impl World {
    /// The names of the prefabs that can be spawned, sorted.
    pub fn prefabs(&self) -> Vec<String> {
        let all = self.prefab_table();
        let live = all.iter().filter(|(_, definition)| !definition.is_retired);
        live.map(|(name, _)| name.clone()).collect()
    }

    /// Whether the world was ever told of a prefab.
    pub fn knows_prefabs(&self) -> bool {
        self.has_resource::<Prefabs>()
    }

    fn prefab_table(&self) -> Arc<BTreeMap<String, Definition>> {
        self.resource::<Prefabs>().map(|prefabs| Arc::clone(&prefabs.by_name)).unwrap_or_default()
    }

    /// The prefab called `name`, unless nobody defines it.
    fn prefab(&self, name: &str) -> Result<Definition, EcsError> {
        let all = self.prefab_table();
        let found = all.get(name).filter(|definition| !definition.is_retired);
        found.cloned().ok_or_else(|| {
            let known = self.prefabs().join(", ");
            let known = if known.is_empty() { "none".to_owned() } else { known };
            EcsError::NoSuchPrefab { prefab: name.to_owned(), known }
        })
    }
}
