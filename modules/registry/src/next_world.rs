//! What becomes of the world at a swap.

use std::sync::Arc;

use keel_ecs::{ModelTypeInfo, ReplacedWorld, RestoreReport, World, WorldConversion};
use keel_engine::{Engine, contain};

use crate::{Consent, Rejection};

/// The world that a swap goes on with. Until it is installed, everything can be put back.
#[allow(clippy::large_enum_variant, reason = "there is one in a swap; a box would cost more than moving it")]
pub(crate) enum NextWorld {
    /// The running one: no type has changed.
    Same,
    /// One that was saved.
    Restored(World, RestoreReport),
    /// The running one with other types. It was taken out of the engine for that.
    Converted(WorldConversion, RestoreReport),
}

impl NextWorld {
    /// The running world, with other types if it can't stay as it is.
    ///
    /// # Errors
    /// [`Rejection`]; the engine has its world as it was.
    pub(crate) fn of_running(
        engine: &mut Engine,
        types: &[Arc<ModelTypeInfo>],
        consent: Consent,
        module: &str,
    ) -> Result<Self, Rejection> {
        if fits(engine.world(), types) {
            return Ok(Self::Same);
        }
        let mut conversion = WorldConversion::of(engine.replace_world(World::new()));
        match contain(|| conversion.make(types.iter().map(Arc::clone), consent.accepts_loss())) {
            Ok(Ok(report)) => Ok(Self::Converted(conversion, report)),
            Ok(Err(error)) => {
                engine.replace_world(conversion.undo());
                Err(Rejection::restore(module, &error))
            }
            Err(panic) => {
                engine.replace_world(conversion.undo());
                Err(Rejection::convert(module, &panic))
            }
        }
    }

    /// Gives the engine its world back, as it was.
    pub(crate) fn put_back(self, engine: &mut Engine) {
        if let Self::Converted(conversion, _) = self {
            engine.replace_world(conversion.undo());
        }
    }

    /// Puts the world in place, and tells it of the new code for its types. What is left of another one before is to
    /// be dropped when there is time.
    pub(crate) fn install(
        self,
        engine: &mut Engine,
        types: &[Arc<ModelTypeInfo>],
    ) -> (RestoreReport, Option<ReplacedWorld>) {
        match self {
            Self::Same => {
                for info in types {
                    // The fingerprints were found equal, or the type is new.
                    if let Err(error) = engine.world_mut().register(Arc::clone(info)) {
                        log::error!("type `{}` could not be registered: {error}", info.name());
                    }
                }
                let carried = engine.world().value_count();
                (RestoreReport { carried, ..RestoreReport::default() }, None)
            }
            Self::Restored(world, report) => (report, Some(engine.replace_world(world).into())),
            Self::Converted(conversion, report) => {
                let (world, replaced) = conversion.accept();
                engine.replace_world(world);
                (report, Some(replaced))
            }
        }
    }
}

/// Whether `world` can go on with `types`: none has changed its shape or its storage, none is gone, and none comes back.
pub(crate) fn fits(world: &World, types: &[Arc<ModelTypeInfo>]) -> bool {
    let is_same = |info: &Arc<ModelTypeInfo>| {
        world.type_info(info.id()).is_none_or(|known| {
            known.fingerprint() == info.fingerprint() && known.storage() == info.storage()
        })
    };
    // What was defined at run time is no module's, and goes with the world.
    let is_there = |known: &Arc<ModelTypeInfo>| {
        known.is_defined()
            || types.iter().any(|info| info.id() == known.id())
            || World::own_types().any(|own| own.id() == known.id())
    };
    // Values that were kept aside come back with their type, and may be converted on the way.
    let comes_back = world.kept_types().any(|kept| types.iter().any(|info| info.name() == kept));
    types.iter().all(is_same) && world.types().all(is_there) && !comes_back
}
