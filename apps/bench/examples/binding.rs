//! Prints what the binding costs: `cargo run -p keel-bench --release --example binding [--quick]`.

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    println!("{}", keel_bench::binding::run(quick));
}
