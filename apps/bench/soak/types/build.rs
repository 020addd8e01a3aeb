//! Chooses the shape: two generations in a row have the same one. A feature would make it another crate, all of whose
//! types have other ids; an author's edit does not.

const SHAPES: u32 = 4;

fn main() {
    println!("cargo::rerun-if-env-changed=KEEL_BENCH_SOAK");
    println!("cargo::rustc-check-cfg=cfg(shape, values(\"0\", \"1\", \"2\", \"3\"))");
    let generation =
        std::env::var("KEEL_BENCH_SOAK").ok().and_then(|text| text.parse().ok()).unwrap_or(0_u32);
    println!("cargo::rustc-cfg=shape=\"{}\"", generation / 2 % SHAPES);
}
