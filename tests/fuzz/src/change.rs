//! Changes of bytes, by a generator of random numbers or by whoever steers.

/// No input is longer.
pub const INPUT_BYTES_MAX: usize = 64 << 10;

/// Makes the choices of a change.
pub trait Change {
    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize;

    /// Changes some bytes, which come out no longer than [`INPUT_BYTES_MAX`].
    fn bytes(&mut self, bytes: &mut Vec<u8>);

    /// Whether something happens that does once in `count` times.
    fn once_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// Changes that a number stands for: the same number, the same changes.
pub struct Random(fastrand::Rng);

/// Numbers at which readers go wrong: lengths that nothing fits, and those that are next to a limit.
const NUMBERS: [u64; 16] = [
    0,
    1,
    2,
    7,
    8,
    0x7f,
    0xff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 20,
    (1 << 20) + 1,
    1 << 32,
    1 << 60,
    i64::MAX as u64,
    u64::MAX,
];

impl Random {
    /// The changes of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    fn range(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let start = self.0.usize(..=bytes.len());
        let longest = (bytes.len() - start).min(1 << self.0.u32(..10));
        start..start + self.0.usize(..=longest)
    }

    /// Writes a number over so many bytes.
    fn number(&mut self, bytes: &mut [u8]) {
        let width = [1, 2, 4, 8][self.0.usize(..4)].min(bytes.len());
        let start = self.0.usize(..=bytes.len() - width);
        let place = &mut bytes[start..start + width];
        let mut old = [0; 8];
        old[..width].copy_from_slice(place);
        let number = match self.0.u8(..3) {
            0 => NUMBERS[self.0.usize(..NUMBERS.len())],
            1 => u64::from_le_bytes(old).wrapping_add(self.0.u64(..9)).wrapping_sub(4),
            _ => self.0.u64(..),
        };
        place.copy_from_slice(&number.to_le_bytes()[..width]);
    }

    fn one(&mut self, bytes: &mut Vec<u8>) {
        match self.0.u8(..12) {
            0..4 if !bytes.is_empty() => self.number(bytes),
            4..7 if !bytes.is_empty() => {
                let at = self.0.usize(..bytes.len());
                bytes[at] ^= 1 << self.0.u8(..8);
            }
            7 => drop(bytes.drain(self.range(bytes))),
            8 => {
                let (copied, at) = (self.range(bytes), self.0.usize(..=bytes.len()));
                let copied = bytes[copied].to_vec();
                bytes.splice(at..at, copied);
            }
            9 => {
                let (from, at) = (self.range(bytes), self.0.usize(..=bytes.len()));
                let copied = bytes[from].to_vec();
                let end = (at + copied.len()).min(bytes.len());
                bytes[at..end].copy_from_slice(&copied[..end - at]);
            }
            10 => bytes.truncate(self.0.usize(..=bytes.len())),
            _ => {
                let at = self.0.usize(..=bytes.len());
                let byte = self.0.u8(..);
                bytes.splice(at..at, std::iter::repeat_n(byte, 1 << self.0.u32(..8)));
            }
        }
    }
}

impl Change for Random {
    fn below(&mut self, end: usize) -> usize {
        self.0.usize(..end)
    }

    fn bytes(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..1 << self.0.u32(..3) {
            self.one(bytes);
        }
        bytes.truncate(INPUT_BYTES_MAX);
    }
}
