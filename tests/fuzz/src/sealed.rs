//! Files whose parts have checksums, changed so that those are right: bytes that were changed at random would never get
//! past them, and what lies behind would never be read.

use keel::state::{LogReader, LogWriter, Snapshot, SnapshotWriter, checksum};

use crate::change::Change;

/// How a snapshot begins, as the format says.
const MAGIC: &[u8] = b"KEELSNAP";

/// Where the offset of the table stands: behind the version.
const TABLE_OFFSET_AT: usize = MAGIC.len() + 4;

const CHECKSUM_LENGTH: usize = 8;

/// How deep snapshots lie in sections of others: a game has a pool of worlds.
const DEPTH_MAX: usize = 2;

struct Part {
    kind: String,
    name: String,
    bytes: Vec<u8>,
}

/// Changes a snapshot: a section's content, the sections themselves, the table, or anything at all.
pub(crate) fn change_snapshot(file: &mut Vec<u8>, change: &mut dyn Change) {
    change_nested(file, change, 0);
}

/// Changes a file that grows: an entry's content, the entries themselves, or anything at all.
pub(crate) fn change_log(
    file: &mut Vec<u8>,
    change: &mut dyn Change,
    mut one: impl FnMut(&mut Vec<u8>, &mut dyn Change),
) {
    let entries = LogReader::new(file).map(|entries| entries.map(<[u8]>::to_vec).collect::<Vec<_>>());
    let Some(mut entries) = entries.ok().filter(|entries| !entries.is_empty() && !change.once_in(16)) else {
        return change.bytes(file);
    };
    let (at, other) = (change.below(entries.len()), change.below(entries.len()));
    match change.below(8) {
        0 => drop(entries.remove(at)),
        1 => entries.insert(other, entries[at].clone()),
        2 => entries.swap(at, other),
        _ => one(&mut entries[at], change),
    }
    let mut log = LogWriter::new();
    for entry in entries {
        log.entry(|out| {
            out.extend(entry);
            Ok(())
        })
        .expect("an entry is shorter than 4 GiB");
    }
    *file = log.take();
}

fn change_nested(file: &mut Vec<u8>, change: &mut dyn Change, depth: usize) {
    let parts = parts_of(file).filter(|parts| !parts.is_empty());
    let Some(mut parts) = parts.filter(|_| !change.once_in(32)) else { return change.bytes(file) };
    let (at, other) = (change.below(parts.len()), change.below(parts.len()));
    match change.below(24) {
        0 => return change_table(file, change),
        1 => drop(parts.remove(at)),
        2 => parts.swap(at, other),
        3 => parts[at].bytes = parts[other].bytes.clone(),
        4 => {
            let mut name = std::mem::take(&mut parts[at].name).into_bytes();
            change.bytes(&mut name);
            parts[at].name = String::from_utf8_lossy(&name).into_owned();
        }
        _ => change_content(&mut parts[at].bytes, change, depth),
    }
    *file = whole(&parts);
}

fn change_content(bytes: &mut Vec<u8>, change: &mut dyn Change, depth: usize) {
    let inner = inner_snapshots(bytes);
    if inner.is_empty() || depth == DEPTH_MAX || change.once_in(3) {
        return change.bytes(bytes);
    }
    let (start, length) = inner[change.below(inner.len())];
    let mut file = bytes[start..start + length].to_vec();
    change_nested(&mut file, change, depth + 1);
    bytes[start - 8..start].copy_from_slice(&(file.len() as u64).to_le_bytes());
    bytes.splice(start..start + length, file);
}

/// Where snapshots lie as lists of bytes, each behind its length: start and length.
fn inner_snapshots(bytes: &[u8]) -> Vec<(usize, usize)> {
    let starts = bytes.windows(MAGIC.len()).enumerate().filter(|(_, window)| *window == MAGIC);
    let found = starts.filter_map(|(start, _)| {
        let length = bytes[..start].last_chunk::<8>().map(|length| u64::from_le_bytes(*length))?;
        let length = usize::try_from(length).ok()?;
        (length <= bytes.len() - start).then_some((start, length))
    });
    found.collect()
}

/// Changes the table of sections, and mends its checksum.
fn change_table(file: &mut Vec<u8>, change: &mut dyn Change) {
    let offset = file[TABLE_OFFSET_AT..].first_chunk().map(|offset| u64::from_le_bytes(*offset) as usize);
    let offset = offset.expect("a snapshot that was parsed has a head");
    let mut table = file[offset..file.len() - CHECKSUM_LENGTH].to_vec();
    change.bytes(&mut table);
    let head = &file[..TABLE_OFFSET_AT + 8];
    let sum = checksum(&[head, &table].concat());
    file.truncate(offset);
    file.extend(table);
    file.extend(sum.to_le_bytes());
}

fn parts_of(file: &[u8]) -> Option<Vec<Part>> {
    let file = Snapshot::parse(file).ok()?;
    let parts = file.sections().iter().map(|section| Part {
        kind: section.kind().to_owned(),
        name: section.name().to_owned(),
        bytes: section.bytes().to_vec(),
    });
    Some(parts.collect())
}

fn whole(parts: &[Part]) -> Vec<u8> {
    let mut file = SnapshotWriter::new(Vec::new());
    for Part { kind, name, bytes } in parts {
        // A second section of a name is left out: the writer has none.
        let _ = file.section(kind, name, |out| {
            out.extend_from_slice(bytes);
            Ok(())
        });
    }
    file.finish()
}
