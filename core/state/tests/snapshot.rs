//! Snapshots: what was written is read, and nothing else is.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use keel_state::{Snapshot, SnapshotWriter, StateError, encode_into, read_file, write_file};

fn small() -> Vec<u8> {
    let mut writer = SnapshotWriter::new(vec![7; 3]);
    writer.section("column", "Position", |out| encode_into(&[1.0_f32, 2.0], out)).unwrap();
    writer.section("column", "Marker", |_| Ok(())).unwrap();
    writer.section("unheard of", "Position", |out| encode_into("text", out)).unwrap();
    writer.finish()
}

fn check_refused(bytes: &[u8], expected: &str) {
    let error = Snapshot::parse(bytes).expect_err("the snapshot was accepted");
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn sections_are_read_as_they_were_written() {
    let bytes = small();
    let snapshot = Snapshot::parse(&bytes).unwrap();
    let names: Vec<_> = snapshot.sections().iter().map(|section| (section.kind(), section.name())).collect();
    assert_eq!(names, [("column", "Position"), ("column", "Marker"), ("unheard of", "Position")]);
    assert_eq!(snapshot.get("column", "Position").unwrap().bytes(), [0, 0, 128, 63, 0, 0, 0, 64]);
    assert_eq!(snapshot.get("column", "Marker").unwrap().bytes(), []);
    assert!(snapshot.get("column", "Velocity").is_none());
    let empty = SnapshotWriter::new(Vec::new()).finish();
    assert!(Snapshot::parse(&empty).unwrap().sections().is_empty());
}

#[test]
fn unknown_sections_can_be_kept() {
    let bytes = small();
    let mut writer = SnapshotWriter::new(Vec::new());
    for section in Snapshot::parse(&bytes).unwrap().sections() {
        writer.keep(section).unwrap();
    }
    assert_eq!(writer.finish(), bytes);
}

#[test]
fn the_buffer_is_reused() {
    let mut writer = SnapshotWriter::new(Vec::with_capacity(1 << 16));
    writer.section("a", "b", |out| encode_into(&1_u8, out)).unwrap();
    assert!(writer.finish().capacity() >= 1 << 16);
}

#[test]
fn a_section_that_fails_leaves_nothing_behind() {
    let mut writer = SnapshotWriter::new(Vec::new());
    writer.section("a", "b", |out| encode_into(&1_u8, out)).unwrap();
    let failed = writer.section("a", "c", |out| {
        out.push(1);
        Err(StateError::TooDeep { limit: 0 })
    });
    assert!(matches!(failed, Err(StateError::TooDeep { .. })));
    let error = writer.section("a", "b", |_| Ok(())).unwrap_err();
    assert!(error.to_string().contains("section `a b` is there twice"), "{error}");
    let bytes = writer.finish();
    assert_eq!(Snapshot::parse(&bytes).unwrap().sections().len(), 1);
}

#[test]
fn a_snapshot_cut_off_anywhere_is_refused() {
    let bytes = small();
    for end in 0..bytes.len() {
        assert!(Snapshot::parse(&bytes[..end]).is_err(), "{end} of {} bytes were accepted", bytes.len());
    }
    check_refused(&[bytes.as_slice(), &[0]].concat(), "table of sections is damaged");
}

#[test]
fn a_snapshot_with_any_bit_flipped_is_refused() {
    let bytes = small();
    for bit in 0..8 * bytes.len() {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Snapshot::parse(&damaged).is_err(), "bit {bit} was not missed");
    }
}

#[test]
fn refusals_name_what_is_damaged() {
    let mut bytes = small();
    bytes[20] ^= 1;
    check_refused(&bytes, "section `column Position` is damaged");
    bytes[8] = 9;
    check_refused(&bytes, "the snapshot has format 9, this build reads 2");
    bytes[0] = b'J';
    check_refused(&bytes, "it begins with 4a45454c534e4150");
    check_refused(&[], "this is not a Keel snapshot");
}

#[test]
fn files_are_replaced_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.snapshot");
    write_file(&path, b"old").unwrap();
    write_file(&path, b"new").unwrap();
    assert_eq!(read_file(&path).unwrap(), b"new");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary is left");
}

#[test]
fn failed_writes_name_the_file_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing").join("world.snapshot");
    let error = write_file(&missing, b"new").unwrap_err();
    assert!(error.to_string().contains("could not create"), "{error}");
    assert!(read_file(&missing).unwrap_err().to_string().contains("missing/world.snapshot"));
    // A folder cannot be replaced by a file: the rename fails, after the temporary was written.
    let occupied = folder.path().join("occupied");
    std::fs::create_dir_all(occupied.join("inside")).unwrap();
    let error = write_file(&occupied, b"new").unwrap_err();
    assert!(error.to_string().contains("could not replace"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary is left");
}
