//! The types of models that live in pools: what a module says of them, and how their objects outlive its code.

use std::any::Any;
use std::sync::Arc;

use keel_binding::{AnyPool, ModelPool, PoolImage};
use keel_core_types::{Model, ModelId, ModelType, TypedModel};
use keel_ecs::{Data, RestoreReport, TypeFingerprint};
use keel_state::{LiveSchema, Migration, SavedValue, StateError, TypeSchema, Value, decode, encode_into};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A model from its bytes.
type RestoreModel = fn(&mut &[u8]) -> Result<Box<dyn Model>, StateError>;

/// All that is known of a type of models: its name, schema and layout, how to make its pool, and how to save and
/// restore its objects.
///
/// Its function pointers lead into the module that exported it.
pub struct PooledTypeInfo {
    name: String,
    live: LiveSchema,
    /// `live`'s schema alone, shared with what is saved.
    schema: Arc<TypeSchema>,
    is_unordered: bool,
    fingerprint: TypeFingerprint,
    layout: u64,
    make_pool: fn() -> Arc<dyn AnyPool>,
    save: fn(&dyn Model, &mut Vec<u8>) -> Result<(), StateError>,
    restore: RestoreModel,
    // Dropped after all that leads into the library.
    library: Option<Arc<dyn Any + Send + Sync>>,
}

/// All that is in a pool, as bytes, with the schema that says what they mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedPool {
    name: String,
    schema: Arc<TypeSchema>,
    slots: u32,
    made: u64,
    objects: Vec<ModelId>,
    free: Vec<ModelId>,
    /// The objects, one after the other, in the order of `objects`.
    bytes: Vec<u8>,
}

impl SavedPool {
    /// The name of the model type.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Each object that was handed out, as a value that can be read without its type.
    ///
    /// # Errors
    /// [`StateError`] when the bytes don't fit the schema.
    pub fn values(&self) -> Result<Vec<(ModelId, SavedValue)>, StateError> {
        let mut rest = self.bytes.as_slice();
        let value = |id: &ModelId| {
            let before = rest;
            Value::decode(&self.schema, &mut rest)?;
            let bytes = before[..before.len() - rest.len()].to_vec();
            Ok((*id, SavedValue::from_parts(Arc::clone(&self.schema), bytes)))
        };
        self.objects.iter().map(value).collect()
    }

    /// How many objects were handed out.
    pub fn objects(&self) -> usize {
        self.objects.len()
    }
}

impl PooledTypeInfo {
    /// Describes the models of type `T`.
    pub fn of<T: TypedModel + Data + Default>() -> Self {
        let live = LiveSchema::of::<T>();
        let schema = Arc::new(live.schema().clone());
        Self {
            name: T::NAME.to_owned(),
            fingerprint: TypeFingerprint::of::<T>(&live),
            is_unordered: schema.is_unordered(),
            live,
            schema,
            layout: T::LAYOUT,
            make_pool: || Arc::new(ModelPool::<T>::new(T::LIMIT, T::default)),
            save: |object, out| {
                let any: &dyn Any = object;
                let object = any.downcast_ref::<T>();
                encode_into(object.ok_or_else(|| StateError::Refused(wrong_type(T::NAME)))?, out)
            },
            restore: |bytes| Ok(Box::new(decode::<T>(bytes)?)),
            library: None,
        }
    }

    /// The same type, which now keeps the `library` of its code mapped for as long as it lives.
    #[must_use]
    pub fn kept_by(mut self, library: Arc<dyn Any + Send + Sync>) -> Self {
        self.library = Some(library);
        self
    }

    /// The declared name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The hash of the name.
    pub fn model_type(&self) -> ModelType {
        ModelType::of(&self.name)
    }

    /// Names and types of the fields.
    pub fn schema(&self) -> &TypeSchema {
        &self.schema
    }

    /// What two modules must agree on before they may touch the same objects.
    pub fn fingerprint(&self) -> TypeFingerprint {
        self.fingerprint
    }

    /// What keeps the library of its code mapped, where it has one.
    pub fn library(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        self.library.clone()
    }

    /// A pool without objects, whose code is this module's.
    pub fn make_pool(&self) -> Arc<dyn AnyPool> {
        (self.make_pool)()
    }

    /// What `image`, taken out of a pool of this very module, is as bytes.
    ///
    /// # Errors
    /// [`StateError`] when the type's `Serialize` fails.
    pub fn save(&self, image: &PoolImage) -> Result<SavedPool, StateError> {
        let mut bytes = Vec::new();
        for (_, object) in &image.objects {
            (self.save)(&**object, &mut bytes)?;
        }
        Ok(SavedPool {
            name: self.name.clone(),
            schema: Arc::clone(&self.schema),
            slots: image.slots,
            made: image.made,
            objects: image.objects.iter().map(|(id, _)| *id).collect(),
            free: image.free.clone(),
            bytes,
        })
    }

    /// Objects of this module's code, made of what was saved by it or by another generation of it: with the same ids,
    /// their fields matched by name.
    ///
    /// # Errors
    /// [`StateError`] when the bytes are damaged, or when something would be lost and `accept_loss` is not set.
    pub fn restore(
        &self,
        saved: &SavedPool,
        accept_loss: bool,
    ) -> Result<(PoolImage, RestoreReport), StateError> {
        let migration = Migration::plan(&saved.schema, &self.live);
        let migration = if accept_loss { migration.accept_losses() } else { migration };
        let mut report = RestoreReport::default();
        let mut migrated = Vec::new();
        let mut bytes = saved.bytes.as_slice();
        if migration.is_identity() {
            report.carried = saved.objects.len();
        } else {
            migration.apply_column(saved.objects.len(), &mut bytes, &mut migrated)?;
            if !bytes.is_empty() {
                return Err(StateError::TrailingBytes { left: bytes.len() });
            }
            bytes = &migrated;
            report.converted = saved.objects.len();
        }
        report.changes = migration.changes().to_vec();
        let objects = saved.objects.iter().map(|id| Ok((*id, (self.restore)(&mut bytes)?)));
        let image = PoolImage {
            name: self.name.clone(),
            layout: self.layout,
            slots: saved.slots,
            made: saved.made,
            objects: objects.collect::<Result<_, StateError>>()?,
            free: saved.free.clone(),
        };
        match bytes.len() {
            0 => Ok((image, report)),
            left => Err(StateError::TrailingBytes { left }),
        }
    }

    /// A hash of one object: XXH3 of its bytes, seeded with its type and id. Hashed maps and sets are put in order
    /// first, so that equal objects have equal hashes.
    ///
    /// # Errors
    /// [`StateError`] when the type's `Serialize` fails.
    pub fn hash(&self, id: ModelId, object: &dyn Model) -> Result<u64, StateError> {
        let mut bytes = Vec::new();
        (self.save)(object, &mut bytes)?;
        if self.is_unordered {
            bytes = format!("{:?}", Value::decode(&self.schema, &mut bytes.as_slice())?).into_bytes();
        }
        Ok(hash_of_model(self.model_type(), id, &bytes))
    }
}

/// The hash of the model `id`, whose value is these bytes. The sum of those of all objects is the pools' part of a
/// game's hash: it does not depend on any order.
pub fn hash_of_model(model_type: ModelType, id: ModelId, bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, id.bits().wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ model_type.bits())
}

fn wrong_type(name: &str) -> String {
    format!(
        "an object in the pool of `{name}` is of another type; two types have this name, rename one of them"
    )
}
