//! Components, resources and events from values by name.

use keel_state::{SavedValue, Value, ValueRef};

use crate::{ComponentValue, EcsError, Entity, World};

/// Values that are made of names. What is not named takes the value that it has in a state which lacks it.
impl World {
    /// A component, resource or event made of `value`: numbers are converted if nothing is lost by it, fields and variants
    /// are found by their names.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`]; [`EcsError::Reflect`] that names the part which does not fit.
    pub fn value_of<'v>(&self, name: &str, value: impl Into<ValueRef<'v>>) -> Result<SavedValue, EcsError> {
        let info = self.type_named(name)?;
        let bytes = info.live_schema().encode(name, value.into())?;
        Ok(info.saved(bytes))
    }

    /// Adds the component called `name` to `entity`, or replaces it:
    /// `world.insert_named(ship, "Position", &[("x", 1.0.into())])`.
    ///
    /// # Errors
    /// Those of [`World::value_of`] and [`World::insert_values`]. The world is then unchanged.
    pub fn insert_named(
        &mut self,
        entity: Entity,
        name: &str,
        fields: &[(&str, Value)],
    ) -> Result<(), EcsError> {
        let value = self.value_of(name, &named(fields))?;
        self.insert_values(entity, &[ComponentValue::new(name, value)])
    }

    /// Adds an entity with these components.
    ///
    /// # Errors
    /// Those of [`World::value_of`] and [`World::spawn_values`]. The world is then unchanged.
    pub fn spawn_named(&mut self, components: &[(&str, &[(&str, Value)])]) -> Result<Entity, EcsError> {
        let values = components
            .iter()
            .map(|(name, fields)| Ok(ComponentValue::new(*name, self.value_of(name, &named(fields))?)));
        let values = values.collect::<Result<Vec<_>, EcsError>>()?;
        self.spawn_values(&values)
    }

    /// Puts the resource called `name` into the world, in the place of the one that was there.
    ///
    /// # Errors
    /// Those of [`World::value_of`] and [`World::insert_resource_value`]. The world is then unchanged.
    pub fn insert_resource_named(&mut self, name: &str, fields: &[(&str, Value)]) -> Result<(), EcsError> {
        let value = self.value_of(name, &named(fields))?;
        self.insert_resource_value(name, &value)
    }

    /// Sends the event called `name`.
    ///
    /// # Errors
    /// Those of [`World::value_of`] and [`World::send_value`]. Nothing is sent then.
    pub fn send_named(&self, name: &str, fields: &[(&str, Value)]) -> Result<(), EcsError> {
        self.send_value(name, &self.value_of(name, &named(fields))?)
    }
}

fn named(fields: &[(&str, Value)]) -> Value {
    Value::named(fields.iter().map(|(name, value)| (*name, value.clone())))
}
