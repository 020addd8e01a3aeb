//! Every call of the area's views, through the module that provides them, loaded at run time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod component;
mod entity;
mod event;
mod query;
mod reflection;
mod storage;
mod system;
mod world;

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use keel::ecs::{ComponentValue, Entity, ModelTypeInfo, World};
use keel::prelude::*;
use keel::state::SavedValue;
use keel::types::Provided;
use keel_loader::{Loader, Module};

#[component]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Position {
    x: f32,
    y: f32,
}

#[component]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Velocity {
    x: f32,
    y: f32,
}

/// It has no default.
#[component]
#[derive(Clone, Debug, PartialEq)]
struct Hull {
    plates: Vec<u8>,
}

#[resource]
#[derive(Clone, Debug, Default, PartialEq)]
struct Tide {
    level: f32,
}

/// It has no default.
#[resource]
#[derive(Clone, Debug, PartialEq)]
struct Chart {
    name: String,
}

#[event]
#[derive(Clone, Debug, Default, PartialEq)]
struct Eaten {
    by: u64,
}

/// It has no default.
#[event]
#[derive(Clone, Debug, PartialEq)]
struct Called {
    name: String,
}

struct Loaded {
    // Dropped before the library is let go; both live until the process ends.
    views: Vec<Provided>,
    _module: Module,
}

/// The view with contract `V`, as the module provides it.
fn view<V: Contract + ?Sized>() -> &'static V {
    static LOADED: OnceLock<Loaded> = OnceLock::new();
    let loaded = LOADED.get_or_init(load);
    loaded
        .views
        .iter()
        .find_map(Provided::get::<V>)
        .unwrap_or_else(|| panic!("`{}` is not provided", V::NAME))
}

fn load() -> Loaded {
    let module = Loader::default().open(&built_module()).unwrap();
    assert_eq!(module.descriptor().name(), "ecs");
    let mut view_model = module.view_model().unwrap().unwrap();
    let mut setup = keel::module::Setup::new();
    view_model.register(&mut setup).unwrap();
    assert_eq!(setup.model_type(<dyn keel::ecs::WorldView>::ID), Some(World::TYPE));
    assert_eq!(setup.model_type(<dyn keel::engine::SystemView>::ID), None);
    let (systems, handlers, views) = setup.into_parts();
    assert_eq!((systems.len(), handlers.len(), views.len()), (0, 0, 8));
    let declared: Vec<_> = views.iter().map(|view| view.declaration().name.clone()).collect();
    assert!(declared.iter().all(|name| name.starts_with("keel.") && name.ends_with("View")), "{declared:?}");
    Loaded { views, _module: module }
}

/// The module's library, built as this test was: the same folder, the same profile, so that both share one facade.
fn built_module() -> PathBuf {
    let executable = std::env::current_exe().unwrap();
    let folder = executable.ancestors().find(|it| it.file_name().is_some_and(|name| name == "deps")).unwrap();
    let profile = folder.parent().and_then(Path::file_name).unwrap().to_str().unwrap();
    let target = folder.parent().and_then(Path::parent).unwrap();
    let profile = if profile == "debug" { "dev" } else { profile };
    let built = Command::new(env!("CARGO"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .args(["build", "--quiet", "--offline", "--package", "ecs", "--profile", profile, "--target-dir"])
        .arg(target)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    folder.join(format!("{DLL_PREFIX}ecs{DLL_SUFFIX}"))
}

/// A world that knows the types of this file.
fn new_world() -> World {
    let mut world = World::new();
    let types = [
        ModelTypeInfo::component::<Position>(),
        ModelTypeInfo::component::<Velocity>(),
        ModelTypeInfo::component::<Hull>(),
        ModelTypeInfo::resource::<Tide>(),
        ModelTypeInfo::resource::<Chart>(),
        ModelTypeInfo::event::<Eaten>(),
        ModelTypeInfo::event::<Called>(),
    ];
    types.into_iter().try_for_each(|info| world.register(info)).unwrap();
    world
}

fn at(x: f32) -> Position {
    Position { x, y: 0.0 }
}

/// A position as an encoded component.
fn position(x: f32) -> ComponentValue {
    ComponentValue::of(&at(x)).unwrap()
}

fn velocity(x: f32) -> ComponentValue {
    ComponentValue::of(&Velocity { x, y: 0.0 }).unwrap()
}

fn saved<T: keel::ecs::Data>(value: &T) -> SavedValue {
    SavedValue::of(value).unwrap()
}

/// An id that lived once.
fn stale(world: &mut World) -> Entity {
    let entity = world.spawn(());
    world.despawn(entity).unwrap();
    entity
}

/// The call failed, and its error says `expected`.
#[track_caller]
fn refuses<T, E: Display>(result: Result<T, E>, expected: &str) {
    match result {
        Ok(_) => panic!("the call was accepted, it should say: {expected}"),
        Err(error) => assert!(error.to_string().contains(expected), "{error}\nlacks: {expected}"),
    }
}
