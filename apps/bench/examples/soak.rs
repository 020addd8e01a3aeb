//! Swaps ten thousand times: `cargo run -p keel-bench --example soak [SWAPS] [--thread-locals]`.

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

use keel_bench::soak::{SoakOptions, run};

fn main() {
    let mut options = SoakOptions::default();
    for argument in std::env::args().skip(1) {
        match argument.parse() {
            Ok(swaps) => options.swaps = swaps,
            Err(_) => options.thread_locals |= argument == "--thread-locals",
        }
    }
    match run(options) {
        Ok(report) => println!("{report}"),
        Err(rejection) => panic!("{rejection}"),
    }
}
