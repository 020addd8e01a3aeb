//! Chooses the shape. A feature would make it another crate, all of whose types have other ids; an author's edit does
//! not.

fn main() {
    println!("cargo::rerun-if-env-changed=KEEL_BENCH_SHAPE");
    println!("cargo::rustc-check-cfg=cfg(changed)");
    if std::env::var_os("KEEL_BENCH_SHAPE").is_some_and(|shape| shape == "changed") {
        println!("cargo::rustc-cfg=changed");
    }
}
