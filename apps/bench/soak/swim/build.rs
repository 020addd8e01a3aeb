//! Gives each generation a name of its own, which is compiled into it.

fn main() {
    println!("cargo::rerun-if-env-changed=KEEL_BENCH_SOAK");
    let generation = std::env::var("KEEL_BENCH_SOAK").unwrap_or_default();
    println!("cargo::rustc-env=KEEL_BENCH_SOAK_NAME=generation {generation}");
}
