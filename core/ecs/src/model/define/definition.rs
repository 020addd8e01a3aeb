//! What a component that is defined at run time is.

use std::sync::Arc;

use keel_state::{LiveSchema, StateError, TypeSchema, Value, ValueRef};
use serde::{Deserialize, Serialize};

use crate::EcsError;

/// A component that no Rust type stands behind: what an editor, a tool or a script makes at run time.
///
/// ```
/// use keel_ecs::{ComponentDefinition, World};
/// use keel_state::Value;
///
/// let health = ComponentDefinition::parse("struct Health { left: f32, shields: Vec<u8> }")?
///     .with_default(&Value::named([("left", 100.into())]))?
///     .with_doc("What it can still take.");
/// let mut world = World::new();
/// world.define_component(&health)?;
/// let ship = world.spawn_named(&[("Health", &[("shields", vec![3, 4].into())])])?;
/// world.write_path(ship, "Health.left", 80)?;
/// assert_eq!(world.value(ship, "Health")?.display()?, "Health { left: 80.0, shields: [3, 4] }");
/// # Ok::<(), keel_ecs::EcsError>(())
/// ```
///
/// It is data: it may be kept across swaps, and sent from module to module.
#[derive(Clone, Debug)]
pub struct ComponentDefinition {
    name: String,
    doc: String,
    live: LiveSchema,
    /// The encoded default that was given, if one was.
    default: Option<Vec<u8>>,
    accepts_losses: bool,
}

impl ComponentDefinition {
    /// A component called `name`, whose values are of `schema`: a struct or an enum. A field that is not named when a value
    /// is made is zero or empty; an enum has no default unless [`ComponentDefinition::with_default`] gives one.
    ///
    /// # Errors
    /// [`EcsError::Definition`] when the name can't stand in a path or a query, or when no values can be made of the schema
    /// ([`LiveSchema::declared`]).
    pub fn new(name: impl Into<String>, schema: TypeSchema) -> Result<Self, EcsError> {
        let name = name.into();
        let failed =
            |because: String, next: String| EcsError::Definition { name: name.clone(), because, next };
        if name.is_empty() || !name.chars().all(may_be_in_name) {
            let next = "write letters, digits, `_`, `-` and `:`";
            return Err(failed("that is no name".to_owned(), next.to_owned()));
        }
        let live = LiveSchema::declared(schema).map_err(|error| match error {
            StateError::Undeclarable { reason, next } => failed(reason, next),
            other => other.into(),
        })?;
        Ok(Self { name, doc: String::new(), live, default: None, accepts_losses: false })
    }

    /// The component that `text` declares, as Rust does: `struct Health { left: f32 }`, and the structs and enums that are in
    /// it. [`TypeSchema`]'s `FromStr` says what may be written. It is called as the first of them.
    ///
    /// # Errors
    /// As [`ComponentDefinition::new`]; [`EcsError::State`], which names the line, when the text declares no types.
    pub fn parse(text: &str) -> Result<Self, EcsError> {
        let schema: TypeSchema = text.parse()?;
        Self::new(schema.name_of(schema.root()), schema)
    }

    /// The same component, whose values are made of `value` where nothing else is said: when one is made of names, and when
    /// an older value lacks a field. What `value` doesn't name keeps its default.
    ///
    /// # Errors
    /// [`EcsError::Reflect`] when `value` is none of the component.
    pub fn with_default(mut self, value: &Value) -> Result<Self, EcsError> {
        let value = ValueRef::from(value);
        self.default = Some(self.live.encode(&self.name, value)?);
        self.live = self.live.with_default(&self.name, value)?;
        Ok(self)
    }

    /// The same component, with what people are told of it.
    #[must_use]
    pub fn with_doc(mut self, doc: &str) -> Self {
        doc.clone_into(&mut self.doc);
        self.live = self.live.with_doc(doc);
        self
    }

    /// Consents to what values lose where another definition of the component is replaced by this one.
    #[must_use]
    pub fn accept_losses(mut self) -> Self {
        self.accepts_losses = true;
        self
    }

    /// What the component is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its values are made of.
    pub fn schema(&self) -> &TypeSchema {
        self.live.schema()
    }

    /// What people are told of it.
    pub fn doc(&self) -> &str {
        &self.doc
    }

    pub(crate) fn live(&self) -> &LiveSchema {
        &self.live
    }

    pub(super) fn accepts_losses(&self) -> bool {
        self.accepts_losses
    }
}

/// A name stands in paths and in queries, whose signs it must not have.
fn may_be_in_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-' | ':')
}

/// A definition in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedDefinition {
    name: String,
    doc: String,
    schema: Arc<TypeSchema>,
    default: Option<Vec<u8>>,
}

impl SavedDefinition {
    pub(crate) fn of(definition: &ComponentDefinition) -> Self {
        Self {
            name: definition.name.clone(),
            doc: definition.doc.clone(),
            schema: Arc::new(definition.schema().clone()),
            default: definition.default.clone(),
        }
    }

    /// The definition, checked as any other: the file may be damaged.
    pub(crate) fn restore(&self) -> Result<ComponentDefinition, EcsError> {
        let mut definition = ComponentDefinition::new(self.name.clone(), TypeSchema::clone(&self.schema))?;
        if let Some(default) = &self.default {
            definition.live = definition.live.with_encoded_default(default)?;
            definition.default = Some(default.clone());
        }
        Ok(definition.with_doc(&self.doc))
    }
}
