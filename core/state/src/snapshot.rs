//! The snapshot format: named sections in one file, each with a checksum.
//!
//! ```text
//! "KEELSNAP"                    8 bytes
//! version                       u32
//! offset of the table           u64
//! sections, one after another
//! table: kind, name, length and checksum of each section, encoded as `Vec<(String, String, u64, u64)>`
//! checksum of head and table    u64
//! ```
//!
//! All numbers are little endian. The table stands at the end, so that sections are written straight into
//! place. The checksum is XXH3 with 64 bits (<https://github.com/Cyan4973/xxHash>): it runs at the speed of
//! memory without any feature detection at run time, and it serves as the hash of a schema too.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::{StateError, decode_all, encode_into};

const MAGIC: &[u8; 8] = b"KEELSNAP";
const VERSION: u32 = 2;
const TABLE_OFFSET_AT: usize = MAGIC.len() + 4;
const HEAD_LENGTH: usize = TABLE_OFFSET_AT + 8;
const CHECKSUM_LENGTH: usize = 8;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    kind: String,
    name: String,
    length: u64,
    checksum: u64,
}

/// Writes a snapshot into a buffer.
///
/// ```
/// use keel_state::{Snapshot, SnapshotWriter, encode_into};
///
/// let mut writer = SnapshotWriter::new(Vec::new());
/// writer.section("column", "Position", |out| encode_into(&[1.0_f32, 2.0], out))?;
/// let bytes = writer.finish();
///
/// let snapshot = Snapshot::parse(&bytes)?;
/// assert_eq!(snapshot.get("column", "Position").map(|section| section.bytes().len()), Some(8));
/// # Ok::<(), keel_state::StateError>(())
/// ```
#[derive(Debug)]
pub struct SnapshotWriter {
    bytes: Vec<u8>,
    table: Vec<Entry>,
}

impl SnapshotWriter {
    /// Begins a snapshot in `buffer`, whose content is discarded.
    ///
    /// Hand in the buffer of the snapshot before: the page faults of fresh memory cost more than the format.
    pub fn new(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.extend_from_slice(MAGIC);
        buffer.extend_from_slice(&VERSION.to_le_bytes());
        buffer.extend_from_slice(&0_u64.to_le_bytes());
        Self { bytes: buffer, table: Vec::new() }
    }

    /// Adds the section `name` of a `kind`; `write` appends its bytes.
    ///
    /// # Errors
    /// The error of `write`, or [`StateError::SectionTwice`]. The snapshot is then as it was.
    ///
    /// # Panics
    /// When `write` removes bytes that were there before it.
    pub fn section(
        &mut self,
        kind: &str,
        name: &str,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        if self.table.iter().any(|entry| entry.kind == kind && entry.name == name) {
            return Err(StateError::SectionTwice { kind: kind.to_owned(), name: name.to_owned() });
        }
        let start = self.bytes.len();
        if let Err(error) = write(&mut self.bytes) {
            self.bytes.truncate(start);
            return Err(error);
        }
        let section = self.bytes.get(start..).expect("a section only appends to the snapshot");
        self.table.push(Entry {
            kind: kind.to_owned(),
            name: name.to_owned(),
            length: section.len() as u64,
            checksum: xxh3_64(section),
        });
        Ok(())
    }

    /// Adds a section of another snapshot as it is, also one of a kind that nobody here knows.
    ///
    /// # Errors
    /// [`StateError::SectionTwice`]
    pub fn keep(&mut self, section: &Section<'_>) -> Result<(), StateError> {
        self.section(section.kind(), section.name(), |out| {
            out.extend_from_slice(section.bytes());
            Ok(())
        })
    }

    /// Ends the snapshot and returns its bytes.
    pub fn finish(mut self) -> Vec<u8> {
        let table_offset = self.bytes.len();
        self.bytes[TABLE_OFFSET_AT..HEAD_LENGTH].copy_from_slice(&(table_offset as u64).to_le_bytes());
        encode_into(&self.table, &mut self.bytes).expect("a table holds nothing that bincode refuses");
        let checksum = table_checksum(&self.bytes[..HEAD_LENGTH], &self.bytes[table_offset..]);
        self.bytes.extend_from_slice(&checksum.to_le_bytes());
        self.bytes
    }
}

/// The checksum of the formats here.
pub fn checksum(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

fn table_checksum(head: &[u8], table: &[u8]) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(head);
    hasher.update(table);
    hasher.digest()
}

/// A snapshot whose every byte was checked.
#[derive(Clone, Debug)]
pub struct Snapshot<'a> {
    sections: Vec<Section<'a>>,
}

/// One section of a snapshot.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    kind: String,
    name: String,
    bytes: &'a [u8],
}

impl<'a> Section<'a> {
    /// What the section holds, a column for example.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Which one of its kind it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bytes that were written.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> Snapshot<'a> {
    /// Reads a snapshot, and verifies all of it before it returns.
    ///
    /// # Errors
    /// [`StateError::NotASnapshot`], [`StateError::FormatMismatch`], [`StateError::TableDamaged`], and
    /// [`StateError::SectionDamaged`] with the name of the first damaged section.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, StateError> {
        let table_offset = check_head(bytes)?;
        let table = read_table(bytes, table_offset)?;
        let mut rest = &bytes[HEAD_LENGTH..table_offset];
        let mut sections: Vec<Section<'a>> = Vec::with_capacity(table.len());
        for entry in table {
            let length = usize::try_from(entry.length).unwrap_or(usize::MAX);
            let Some((section, after)) = rest.split_at_checked(length) else {
                return Err(table_damaged(format!("section `{} {}` is too long", entry.kind, entry.name)));
            };
            rest = after;
            sections.push(check_section(entry, section)?);
        }
        match rest.len() {
            0 => Ok(Self { sections }),
            left => Err(table_damaged(format!("{left} bytes belong to no section"))),
        }
    }

    /// All sections, in the order they were written.
    pub fn sections(&self) -> &[Section<'a>] {
        &self.sections
    }

    /// The section `name` of a `kind`, if there is one.
    pub fn get(&self, kind: &str, name: &str) -> Option<&Section<'a>> {
        self.sections.iter().find(|section| section.kind == kind && section.name == name)
    }

    /// The bytes of a section that must be there.
    ///
    /// # Errors
    /// [`StateError::SectionMissing`].
    pub fn require(&self, kind: &str, name: &str) -> Result<&'a [u8], StateError> {
        let missing = || StateError::SectionMissing { kind: kind.to_owned(), name: name.to_owned() };
        self.get(kind, name).map(Section::bytes).ok_or_else(missing)
    }
}

fn check_head(bytes: &[u8]) -> Result<usize, StateError> {
    if !bytes.starts_with(MAGIC) {
        return Err(StateError::NotASnapshot { found: first_bytes(bytes) });
    }
    let Some(head) = bytes.get(..HEAD_LENGTH) else {
        return Err(table_damaged("the file ends inside its head".to_owned()));
    };
    let version = u32::from_le_bytes(std::array::from_fn(|index| head[MAGIC.len() + index]));
    if version != VERSION {
        return Err(StateError::FormatMismatch { found: version, expected: VERSION });
    }
    let offset = u64::from_le_bytes(std::array::from_fn(|index| head[TABLE_OFFSET_AT + index]));
    let end = bytes.len().saturating_sub(CHECKSUM_LENGTH);
    usize::try_from(offset)
        .ok()
        .filter(|offset| (HEAD_LENGTH..=end).contains(offset))
        .ok_or_else(|| table_damaged(format!("it should be at byte {offset}, the file has {}", bytes.len())))
}

fn read_table(bytes: &[u8], table_offset: usize) -> Result<Vec<Entry>, StateError> {
    let (table, written) = bytes[table_offset..]
        .split_last_chunk::<CHECKSUM_LENGTH>()
        .ok_or_else(|| table_damaged("the file ends inside it".to_owned()))?;
    let (expected, found) = (u64::from_le_bytes(*written), table_checksum(&bytes[..HEAD_LENGTH], table));
    if expected != found {
        let reason =
            format!("its checksum is {found:016x}, {expected:016x} was written; the file may be cut off");
        return Err(table_damaged(reason));
    }
    decode_all(table).map_err(|error| table_damaged(error.to_string()))
}

fn check_section(entry: Entry, bytes: &[u8]) -> Result<Section<'_>, StateError> {
    let Entry { kind, name, checksum: expected, .. } = entry;
    let found = xxh3_64(bytes);
    if found != expected {
        return Err(StateError::SectionDamaged { kind, name, expected, found });
    }
    Ok(Section { kind, name, bytes })
}

fn table_damaged(reason: String) -> StateError {
    StateError::TableDamaged { reason }
}

pub(crate) fn first_bytes(bytes: &[u8]) -> String {
    bytes.iter().take(MAGIC.len()).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
