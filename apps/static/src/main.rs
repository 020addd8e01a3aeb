//! The game as one binary: the modules that `keel run` loads, linked in. `cargo keel-static` builds and runs it.

#[cfg(keel_static)]
mod run;

#[cfg(keel_static)]
fn main() -> anyhow::Result<()> {
    run::run()
}

#[cfg(not(keel_static))]
fn main() {
    eprintln!("error: this binary has no modules; build it by `cargo keel-static`");
    std::process::exit(1);
}
