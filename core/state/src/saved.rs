//! One value with its schema: a module's fields, a call's argument.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::builder::Describe;
use crate::{Change, LiveSchema, Migration, Schema, StateError, TypeSchema, Value, decode_all, encode_into};

/// A value as bytes, with the schema that says what they mean, so that a later build can read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedValue {
    schema: Arc<TypeSchema>,
    bytes: Vec<u8>,
}

/// Bytes that differ from those that were saved, and what has changed.
type Migrated = (Option<Vec<u8>>, Vec<Change>);

impl SavedValue {
    /// Saves `value`.
    ///
    /// # Errors
    /// [`StateError::Encode`] when its `Serialize` fails.
    pub fn of<T: Schema + Serialize>(value: &T) -> Result<Self, StateError> {
        let mut bytes = Vec::new();
        encode_into(value, &mut bytes)?;
        Ok(Self::encoded(bytes, T::schema))
    }

    fn encoded(bytes: Vec<u8>, describe: Describe) -> Self {
        Self { schema: Arc::new(TypeSchema::described_by(describe)), bytes }
    }

    /// The value as a `T`, and what had to be changed for it.
    ///
    /// # Errors
    /// [`StateError`] when the bytes are damaged, or when something would be lost and `accept_loss` is not set.
    pub fn restore<T: Schema + DeserializeOwned>(
        &self,
        accept_loss: bool,
    ) -> Result<(T, Vec<Change>), StateError> {
        let (migrated, changes) = self.migrated(T::schema, accept_loss)?;
        Ok((decode_all(migrated.as_deref().unwrap_or(&self.bytes))?, changes))
    }

    /// The value encoded as one of the type that is described, unless that is as it is.
    fn migrated(&self, describe: Describe, accept_loss: bool) -> Result<Migrated, StateError> {
        if *self.schema == TypeSchema::described_by(describe) {
            // Planning what changes nothing costs more than all else, where thousands are restored.
            return Ok((None, Vec::new()));
        }
        let migration = Migration::plan(&self.schema, &LiveSchema::described_by(describe));
        let migration = if accept_loss { migration.accept_losses() } else { migration };
        let mut migrated = Vec::new();
        migration.apply(&mut self.bytes.as_slice(), &mut migrated)?;
        Ok((Some(migrated), migration.changes().to_vec()))
    }

    /// A value that was encoded elsewhere; nothing is checked until it is read.
    pub fn from_parts(schema: Arc<TypeSchema>, bytes: Vec<u8>) -> Self {
        Self { schema, bytes }
    }

    /// The value for people: decoded with its schema alone.
    ///
    /// # Errors
    /// [`StateError`] when the bytes are not one value of the schema.
    pub fn value(&self) -> Result<Value, StateError> {
        let mut bytes = self.bytes.as_slice();
        let value = Value::decode(&self.schema, &mut bytes)?;
        match bytes.len() {
            0 => Ok(value),
            left => Err(StateError::TrailingBytes { left }),
        }
    }

    /// The encoded value.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The encoded value, without its schema.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What the bytes mean.
    pub fn schema(&self) -> &TypeSchema {
        &self.schema
    }

    /// The value as text, for people.
    ///
    /// # Errors
    /// [`StateError`] when the bytes don't fit the schema.
    pub fn display(&self) -> Result<String, StateError> {
        self.schema.display(&mut self.bytes.as_slice())
    }

    /// The size of the encoded value in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the value takes no bytes.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}
