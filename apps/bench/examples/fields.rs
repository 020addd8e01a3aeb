//! Prints what threads cost each other that write one component:
//! `cargo run -p keel-bench --release --example fields [--quick]`.

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    println!("{}", keel_bench::fields::run(quick));
}
