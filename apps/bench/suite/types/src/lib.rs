//! The data of the suite that `keel bench ecs` runs: its components, and in [`task`] the sizes and numbers that all
//! engines have in common.

mod letters;
mod space;
pub mod task;

pub use letters::{
    A, B, C, D, Data, E, F, G, H, I, J, K, Kind0, Kind1, Kind2, Kind3, Kind4, Kind5, Kind6, Kind7, L, M, N,
    O, Other0, Other1, Other2, Other3, Other4, Other5, Other6, Other7, P, Q, R, S, SparseB, SparseData, T,
    TrackedA, U, V, W, X, Y, Z,
};
pub use space::{Global, Hit, Local, Position, Rotation, Transform, Velocity};

keel::model! {
    components: [
        A, B, C, D, Data, E, F, G, Global, H, I, J, K, Kind0, Kind1, Kind2, Kind3, Kind4, Kind5, Kind6,
        Kind7, L, Local, M, N, O, Other0, Other1, Other2, Other3, Other4, Other5, Other6, Other7, P,
        Position, Q, R, Rotation, S, SparseB, SparseData, T, TrackedA, Transform, U, V, Velocity, W, X, Y,
        Z,
    ],
    events: [Hit],
}
