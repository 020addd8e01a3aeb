//! What something in space has.

use keel::{component, event};

use crate::task::{self, Matrix};

macro_rules! vectors {
    ($($(#[$meta:meta])* $name:ident)+) => {
        $(
            $(#[$meta])*
            #[component]
            #[derive(Clone, Copy, Debug, PartialEq)]
            #[repr(C)]
            pub struct $name {
                /// Along the first axis.
                pub x: f32,
                /// Along the second axis.
                pub y: f32,
                /// Along the third axis.
                pub z: f32,
            }

            impl From<[f32; 3]> for $name {
                #[inline]
                fn from([x, y, z]: [f32; 3]) -> Self {
                    Self { x, y, z }
                }
            }

            impl From<$name> for [f32; 3] {
                #[inline]
                fn from($name { x, y, z }: $name) -> Self {
                    [x, y, z]
                }
            }
        )+
    };
}

vectors! {
    /// Where something is.
    Position
    /// Which way it looks.
    Rotation
    /// How far it goes in a step.
    Velocity
    /// Where a node is, seen from the one above it.
    Local
    /// Where a node is.
    Global
}

/// A matrix, column by column.
#[component]
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Transform {
    /// The columns, one after the other.
    pub columns: Matrix,
}

/// What is sent a million times.
#[event]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Whom it has hit.
    pub target: u32,
    /// How hard.
    pub strength: f32,
}

impl Transform {
    /// The one that all begin with.
    pub fn turn() -> Self {
        Self { columns: task::turn() }
    }
}
