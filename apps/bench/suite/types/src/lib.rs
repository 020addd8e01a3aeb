//! The data of the suite that `keel bench ecs` runs: its components, and in [`task`] the sizes and numbers that all
//! engines have in common.

mod letters;
mod space;
pub mod task;

pub use letters::{
    A, B, C, D, Data, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, SparseB, SparseData, T, TrackedA, U, V, W,
    X, Y, Z,
};
pub use space::{Global, Hit, Local, Position, Rotation, Transform, Velocity};

keel::model! {
    components: [
        A, B, C, D, Data, E, F, G, Global, H, I, J, K, L, Local, M, N, O, P, Position, Q, R, Rotation, S,
        SparseB, SparseData, T, TrackedA, Transform, U, V, Velocity, W, X, Y, Z,
    ],
    events: [Hit],
}
