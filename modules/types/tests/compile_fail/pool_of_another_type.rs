//! A pool that is asked for a type that is no model.

use keel::binding::Binding;

struct Tide {
    level: f32,
}

fn main() {
    let binding = Binding::new();
    let frame = binding.pin();
    let tides = frame.pool_of::<Tide>().unwrap();
    println!("{}", tides.get(tides.take().unwrap()).unwrap().level);
}
