//! One target of `keel-fuzz`, named by the variable `KEEL_FUZZ_TARGET`, as libFuzzer wants it.

#![no_main]

use std::sync::LazyLock;

use keel_fuzz::{Change, INPUT_BYTES_MAX, Random, Target};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("KEEL_FUZZ_TARGET").unwrap_or_default();
    let names: Vec<_> = Target::ALL.iter().map(|target| target.name).collect();
    Target::named(&name).unwrap_or_else(|| panic!("KEEL_FUZZ_TARGET is to be one of: {}", names.join(", ")))
});

libfuzzer_sys::fuzz_target!(
    init: {
        let _ = &*TARGET;
        keel_fuzz::limit_memory();
    },
    |input: &[u8]| {
        (TARGET.read)(input);
    }
);

libfuzzer_sys::fuzz_mutator!(|buffer: &mut [u8], size: usize, size_max: usize, seed: u32| {
    let mut random = Random::new(seed.into());
    let mut input = buffer[..size].to_vec();
    if random.once_in(16) {
        // It begins with nothing, so that it needs no files.
        let mut seeds = TARGET.seeds();
        input = seeds.swap_remove(random.below(seeds.len()));
    }
    (TARGET.change)(&mut input, &mut Steered(random));
    let size = input.len().min(size_max);
    buffer[..size].copy_from_slice(&input[..size]);
    size
});

/// Choices by a random number, and changes of bytes by libFuzzer, which knows what they were compared with.
struct Steered(Random);

impl Change for Steered {
    fn below(&mut self, end: usize) -> usize {
        self.0.below(end)
    }

    fn bytes(&mut self, bytes: &mut Vec<u8>) {
        if self.0.once_in(4) {
            return self.0.bytes(bytes);
        }
        let size = bytes.len();
        let size_max = (size + 64).min(INPUT_BYTES_MAX);
        bytes.resize(size_max.max(size), 0);
        let size = libfuzzer_sys::fuzzer_mutate(bytes, size, size_max.max(size));
        bytes.truncate(size);
    }
}
