//! Fields by their paths and functions by their names: bevy_reflect.

use bevy_ecs::prelude::*;
use bevy_ecs::reflect::ReflectComponent;
use bevy_reflect::func::{ArgList, DynamicFunction, FunctionRegistry};
use bevy_reflect::{CreateTypeData, ParsedPath, ReflectPath};

use crate::data::{Position, moving};
use crate::routine::Cases;
use crate::task::{ACCESSED, CALLS, damage};

pub(super) fn declare(cases: &mut Cases) {
    let form = "ReflectComponent::reflect, a ParsedPath of \"x\", for each";
    cases.case("path_read", form).operations(ACCESSED).runs(Lookups::new, read_each, |lookups| lookups.sum);
    let form = "ReflectComponent::reflect_mut, a ParsedPath of \"x\", for each";
    cases.case("path_write", form).operations(ACCESSED).runs(Lookups::new, write_each, |lookups| {
        lookups.world.query::<&Position>().iter(&lookups.world).map(|position| f64::from(position.x)).sum()
    });
    let form = "DynamicFunction::call of the FunctionRegistry's \"damage\", an ArgList of two";
    cases.case("call_by_name", form).operations(CALLS).runs(|| (function(), 0.0), call_each, |(_, sum)| *sum);
}

/// A component of which only the name is known, and a field of it.
struct Lookups {
    world: World,
    entities: Vec<Entity>,
    component: ReflectComponent,
    path: ParsedPath,
    /// Of what was read; or how often all were written.
    sum: f64,
}

impl Lookups {
    fn new() -> Self {
        let mut world = World::new();
        let entities = world.spawn_batch((0..ACCESSED).map(moving)).collect();
        let component = <ReflectComponent as CreateTypeData<Position>>::create_type_data(());
        let path = ParsedPath::parse("x").expect("it is a path");
        Self { world, entities, component, path, sum: 0.0 }
    }
}

fn read_each(Lookups { world, entities, component, path, sum }: &mut Lookups) {
    for entity in &*entities {
        let position = component.reflect(world.entity(*entity)).expect("all of them have it");
        *sum += f64::from(*path.element::<f32>(position.as_partial_reflect()).expect("it is a field"));
    }
}

fn write_each(Lookups { world, entities, component, path, sum }: &mut Lookups) {
    *sum += 1.0;
    for entity in &*entities {
        let mut position = component.reflect_mut(world.entity_mut(*entity)).expect("all of them have it");
        let field = path.element_mut::<f32>(position.as_partial_reflect_mut());
        *field.expect("it is a field") = *sum as f32;
    }
}

fn function() -> DynamicFunction<'static> {
    let mut functions = FunctionRegistry::default();
    functions.register_with_name("damage", damage).expect("it is the only one");
    functions.get("damage").expect("it was just registered").clone()
}

fn call_each((function, sum): &mut (DynamicFunction<'static>, f64)) {
    for target in 0..CALLS as u32 {
        let arguments = ArgList::new().with_owned(target).with_owned(0.5_f32);
        let result = function.call(arguments).expect("its arguments fit").unwrap_owned();
        *sum += result.try_downcast_ref::<f64>().expect("it returns one");
    }
}
