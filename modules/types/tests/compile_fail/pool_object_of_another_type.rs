//! An object of a pool, taken for another model.

use keel::binding::Binding;
use keel::console::Terminal;
use keel::types::{Model, ModelType, TypedModel};

#[derive(Default)]
struct Tide {
    level: f32,
}

impl TypedModel for Tide {
    const NAME: &'static str = "Tide";
    const LAYOUT: u64 = 1;
}

impl Model for Tide {
    fn model_type(&self) -> ModelType {
        Self::TYPE
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

fn main() {
    let binding = Binding::new();
    let frame = binding.pin();
    let tides = frame.pool_of::<Tide>().unwrap();
    let _: &Terminal = &*tides.get(tides.take().unwrap()).unwrap();
}
