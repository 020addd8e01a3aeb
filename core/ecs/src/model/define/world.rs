//! Defining components, and giving their values to whatever takes their name.

use std::sync::Arc;

use keel_core_types::ComponentId;

use super::{ComponentDefinition, SavedDefinition};
use crate::{EcsError, ModelTypeInfo, ModelTypeKind, World};

/// Components without a Rust type.
impl World {
    /// Makes a component known that no Rust type stands behind. It is used by its name as any other: its values are made of
    /// names, read and written by path, found by queries of text, saved, restored and taken through swaps. They lie in a set
    /// of their own, encoded. Nothing tracks them; hooks and observers are those of Rust types, and none is called for them.
    ///
    /// Defined again with the same schema, nothing but its default and its doc comment changes. With another schema its
    /// values are migrated as those of a Rust type are. A component that a module registers under the name stays if it has
    /// the same schema; a module that registers one later takes the values over.
    ///
    /// # Errors
    /// [`EcsError::NameTaken`] when a type of a module has the name; [`EcsError::Redefinition`] when values would lose
    /// something that [`ComponentDefinition::accept_losses`] doesn't consent to, or while a transaction runs that could not
    /// undo it; [`EcsError::Collision`]. The world is then unchanged.
    pub fn define_component(&mut self, definition: &ComponentDefinition) -> Result<ComponentId, EcsError> {
        let id = ComponentId::of(definition.name());
        if self.has_typed(definition)? {
            return Ok(id);
        }
        if self.is_in_transaction() && self.kept_types().any(|kept| kept == definition.name()) {
            let because = "values of it were kept aside and come back now, which a transaction can't undo";
            return Err(EcsError::Definition {
                name: definition.name().to_owned(),
                because: because.to_owned(),
                next: "define it before".to_owned(),
            });
        }
        let info = ModelTypeInfo::defined(&Arc::new(definition.clone()));
        self.register_with(Arc::new(info), definition.accepts_losses())?;
        Ok(id)
    }

    /// Whether a type of a module is there that means the same.
    fn has_typed(&self, definition: &ComponentDefinition) -> Result<bool, EcsError> {
        let known = self.types.get(ComponentId::of(definition.name()));
        // Another name with the same id is refused as any collision is.
        let known = known.filter(|known| !known.is_defined() && known.name() == definition.name());
        match known {
            None => Ok(false),
            Some(known)
                if known.kind() == ModelTypeKind::Component && known.schema() == definition.schema() =>
            {
                Ok(true)
            }
            Some(known) => Err(EcsError::NameTaken {
                name: definition.name().to_owned(),
                kind: known.kind(),
                known: known.schema().to_string(),
                defined: definition.schema().to_string(),
            }),
        }
    }

    /// The components that were defined at run time, in the order of their ids.
    pub fn definitions(&self) -> impl Iterator<Item = &Arc<ComponentDefinition>> {
        self.types.iter().filter_map(|info| info.definition())
    }

    /// Makes known what a file says was defined. What this world knows stays: values become those of its types.
    pub(crate) fn define_saved(&mut self, definitions: &[SavedDefinition]) -> Result<(), EcsError> {
        for saved in definitions {
            let definition = saved.restore()?;
            if self.types.get(ComponentId::of(definition.name())).is_none() {
                self.register(ModelTypeInfo::defined(&Arc::new(definition)))?;
            }
        }
        Ok(())
    }

    /// Makes known what `other` has defined and this world doesn't know.
    pub(crate) fn keep_definitions_of(&mut self, other: &Self) -> Result<(), EcsError> {
        for info in other.types.iter().filter(|info| info.is_defined()) {
            if self.types.get(info.id()).is_none() {
                self.register(Arc::clone(info))?;
            }
        }
        Ok(())
    }

    /// Whether `info` takes the place of a component that was defined, and whose values are of another type.
    pub(crate) fn takes_over(&self, info: &ModelTypeInfo) -> bool {
        self.types.get(info.id()).is_some_and(|known| {
            known.is_defined() && known.name() == info.name() && known.fingerprint() != info.fingerprint()
        })
    }

    /// Lets `info` take the place of the component that was defined under its name.
    pub(crate) fn take_over(&mut self, info: Arc<ModelTypeInfo>, accept_loss: bool) -> Result<(), EcsError> {
        let Some(known) = self.types.get(info.id()).map(Arc::clone) else { return Ok(()) };
        let failed = |because: String| EcsError::Redefinition {
            name: info.name().to_owned(),
            known: known.schema().to_string(),
            defined: info.schema().to_string(),
            because,
        };
        if info.kind() != ModelTypeKind::Component {
            return Err(failed(format!("it is {} now; give that another name", info.kind())));
        }
        if self.is_in_transaction() {
            let because =
                "a transaction can't undo it; define the component before it begins, or after it ends";
            return Err(failed(because.to_owned()));
        }
        let mut adopted = self.plan_adoption(&info, accept_loss)?;
        let values = self.plan_taking_over(&known, &info, accept_loss);
        adopted.push(values.map_err(|error| failed(error.to_string()))?);
        self.sparse.forget(known.id());
        self.types.forget_defined(known.id());
        self.put_type(&info)?;
        self.adopt(&info, adopted)
    }
}
