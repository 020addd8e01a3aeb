//! The components, as in `keel_bench_suite_types`, for all engines at once: each derives its own trait beside the others.

#[cfg(feature = "flecs")]
use flecs_ecs::core::ComponentOrPairId as _;
use serde::{Deserialize, Serialize};

use crate::task::{self, Matrix};

macro_rules! component {
    ($item:item) => {
        #[cfg_attr(feature = "bevy", derive(bevy_ecs::component::Component))]
        #[cfg_attr(feature = "flecs", derive(flecs_ecs::macros::Component))]
        #[cfg_attr(feature = "shipyard", derive(shipyard::Component))]
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        $item
    };
}

macro_rules! vectors {
    ($($name:ident)+) => {
        $(
            component! {
                #[cfg_attr(feature = "bevy", derive(bevy_reflect::Reflect))]
                #[cfg_attr(feature = "flecs", flecs(meta))]
                #[derive(bytemuck::Pod, bytemuck::Zeroable)]
                #[repr(C)]
                pub(crate) struct $name { pub(crate) x: f32, pub(crate) y: f32, pub(crate) z: f32 }
            }

            impl From<[f32; 3]> for $name {
                fn from([x, y, z]: [f32; 3]) -> Self {
                    Self { x, y, z }
                }
            }

            impl From<$name> for [f32; 3] {
                fn from($name { x, y, z }: $name) -> Self {
                    [x, y, z]
                }
            }
        )+
    };
}

macro_rules! numbers {
    ($($name:ident)+) => {
        $(component! { pub(crate) struct $name(pub(crate) f32); })+
    };
}

vectors! { Position Rotation Velocity Local Global }
numbers! { A B C D Data E F G H I J K L M N O P Q R S T U V W X Y Z }

macro_rules! kinds {
    ($($name:ident)+) => {
        $(component! { pub(crate) struct $name; })+
    };
}

kinds! { Kind0 Kind1 Kind2 Kind3 Kind4 Kind5 Kind6 Kind7 }
kinds! { Other0 Other1 Other2 Other3 Other4 Other5 Other6 Other7 }

component! {
    pub(crate) struct Transform { pub(crate) columns: Matrix }
}

/// What is sent a million times.
#[cfg_attr(feature = "bevy", derive(bevy_ecs::message::Message))]
#[cfg_attr(feature = "flecs", derive(flecs_ecs::macros::Component))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Hit {
    pub(crate) target: u32,
    pub(crate) strength: f32,
}

impl Transform {
    pub(crate) fn turn() -> Self {
        Self { columns: task::turn() }
    }
}

/// The components of the suite's large entities.
pub(crate) type Thing = (Transform, Position, Rotation, Velocity);

/// What each entity of `simple_insert` begins with.
pub(crate) fn inserted() -> Thing {
    let along = [1.0, 0.0, 0.0];
    (Transform::turn(), along.into(), along.into(), along.into())
}

/// What entity `index` of `simple_iter` begins with.
pub(crate) fn thing(index: usize) -> Thing {
    let at = task::start(index);
    (Transform::turn(), at.into(), at.into(), task::speed(index).into())
}

/// What entity `index` begins with where there are many.
pub(crate) fn moving(index: usize) -> (Position, Velocity) {
    (task::start(index).into(), task::speed(index).into())
}

/// What entity `index` begins with where many are saved.
pub(crate) fn saved(index: usize) -> (Position, Rotation, Velocity) {
    (task::start(index).into(), task::start(index).into(), task::speed(index).into())
}

/// The children of each node of `hierarchy`, by their indices: for engines that know no hierarchy.
pub(crate) fn children_of_nodes() -> Vec<Vec<usize>> {
    let mut children = vec![Vec::new(); task::NODES];
    for index in 0..task::NODES {
        if let Some(parent) = task::parent_of(index) {
            children[parent].push(index);
        }
    }
    children
}

/// Moves all at once, number by number: as the processor likes it best.
pub(crate) fn go_as_numbers(positions: &mut [Position], velocities: &[Velocity]) {
    let positions: &mut [f32] = bytemuck::cast_slice_mut(positions);
    let velocities: &[f32] = bytemuck::cast_slice(velocities);
    positions.iter_mut().zip(velocities).for_each(|(position, velocity)| *position += velocity);
}

impl Position {
    /// What the cases that iterate do with each entity.
    #[inline(always)]
    pub(crate) fn go(&mut self, by: &Velocity) {
        self.x += by.x;
        self.y += by.y;
        self.z += by.z;
    }
}

impl Global {
    /// Where a node is that belongs to this one.
    #[inline(always)]
    pub(crate) fn below(self, local: &Local) -> Self {
        Self { x: self.x + local.x, y: self.y + local.y, z: self.z + local.z }
    }
}

impl Hit {
    /// What its reader adds up.
    #[inline(always)]
    pub(crate) fn weight(&self) -> f64 {
        f64::from(self.strength) + f64::from(self.target & 1)
    }
}
