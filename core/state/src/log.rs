//! A file that grows: entries one after another, each with a checksum, so that one which was cut off anywhere is read up
//! to there.
//!
//! ```text
//! "KEELGROW"                    8 bytes
//! version                       u32
//! entries, one after another:
//!   length of the content       u32
//!   checksum                    u64
//!   content
//! ```
//!
//! All numbers are little endian. The checksum is XXH3 with 64 bits, seeded with that of the entry before (the first one
//! with 0): an entry that is missing, doubled or in another place is found like one whose bytes are damaged.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::StateError;
use crate::bytes::take_array;
use crate::snapshot::first_bytes;

const MAGIC: &[u8; 8] = b"KEELGROW";
const VERSION: u32 = 1;

/// Makes the bytes of a file that grows. Where they are written is the caller's business.
///
/// ```
/// use keel_state::{LogReader, LogWriter, StateError, encode_into};
///
/// let mut writer = LogWriter::new();
/// let mut file = writer.take();
/// for number in 0..3_u32 {
///     writer.entry(|content| encode_into(&number, content))?;
///     file.extend(writer.take());
/// }
///
/// file.truncate(file.len() - 1);
/// let mut reader = LogReader::new(&file)?;
/// assert_eq!(reader.by_ref().count(), 2);
/// assert_eq!(reader.torn_bytes(), 15);
/// # Ok::<(), StateError>(())
/// ```
#[derive(Debug)]
pub struct LogWriter {
    bytes: Vec<u8>,
    chain: u64,
}

impl Default for LogWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl LogWriter {
    /// Begins a file: its head waits to be taken.
    pub fn new() -> Self {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        Self { bytes, chain: 0 }
    }

    /// Adds an entry; `write` appends its content.
    ///
    /// # Errors
    /// The error of `write`, and [`StateError::Encode`] for more than 4 GiB; nothing is added then.
    pub fn entry(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        let mut content = Vec::new();
        write(&mut content)?;
        let length = u32::try_from(content.len()).map_err(|_| {
            StateError::Encode(format!("an entry of {} bytes is longer than 4 GiB", content.len()))
        })?;
        self.chain = xxh3_64_with_seed(&content, self.chain);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(&self.chain.to_le_bytes());
        self.bytes.append(&mut content);
        Ok(())
    }

    /// The bytes that were added since the last time, to be appended to the file.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

/// The entries of a file that grows, each checked before it comes out. The first one that is cut off or damaged ends them:
/// what follows it can't be told from chance.
#[derive(Clone, Debug)]
pub struct LogReader<'a> {
    rest: &'a [u8],
    chain: u64,
}

impl<'a> LogReader<'a> {
    /// Reads the head.
    ///
    /// # Errors
    /// [`StateError::NotALog`] and [`StateError::LogVersion`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, StateError> {
        let not_a_log = || StateError::NotALog { found: first_bytes(bytes) };
        let mut rest = bytes.strip_prefix(MAGIC).ok_or_else(not_a_log)?;
        let found = u32::from_le_bytes(take_array(&mut rest).map_err(|_| not_a_log())?);
        match found {
            VERSION => Ok(Self { rest, chain: 0 }),
            _ => Err(StateError::LogVersion { found, expected: VERSION }),
        }
    }

    /// How many bytes are left: once the entries have ended, those that could not be used.
    pub fn torn_bytes(&self) -> usize {
        self.rest.len()
    }
}

impl<'a> Iterator for LogReader<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut rest = self.rest;
        let length = u32::from_le_bytes(take_array(&mut rest).ok()?);
        let chain = u64::from_le_bytes(take_array(&mut rest).ok()?);
        let (content, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        if xxh3_64_with_seed(content, self.chain) != chain {
            return None;
        }
        (self.rest, self.chain) = (rest, chain);
        Some(content)
    }
}
