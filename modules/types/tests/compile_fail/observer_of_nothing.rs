//! An observer that does not say what it is called for.

use keel::prelude::*;

#[resource]
struct Score {
    points: u32,
}

fn count(mut score: ResMut<Score>) {
    score.points += 1;
}

fn main() {
    Setup::new().observer("count", count);
}
