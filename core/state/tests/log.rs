//! Files that grow: what was cut off or damaged anywhere ends the entries there, and nothing else does.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use keel_state::{LogReader, LogWriter, StateError};
use proptest::prelude::*;

const HEAD: usize = 12;

fn file_of(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = LogWriter::new();
    let mut file = writer.take();
    for entry in entries {
        put(&mut writer, entry);
        file.extend(writer.take());
    }
    file
}

fn put(writer: &mut LogWriter, entry: &[u8]) {
    let write = |content: &mut Vec<u8>| {
        content.extend_from_slice(entry);
        Ok(())
    };
    writer.entry(write).unwrap();
}

fn read(file: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let mut reader = LogReader::new(file).unwrap();
    let entries = reader.by_ref().map(<[u8]>::to_vec).collect();
    (entries, reader.torn_bytes())
}

proptest! {
    #[test]
    fn what_was_cut_off_is_read_up_to_there(
        entries in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let file = file_of(&entries);
        prop_assert_eq!(read(&file), (entries.clone(), 0));
        let length = HEAD + cut.index(file.len() - HEAD + 1);
        let (found, torn) = read(&file[..length]);
        let mut end = HEAD;
        let whole = entries.iter().take_while(|entry| { end += 12 + entry.len(); end <= length }).count();
        prop_assert_eq!(&found[..], &entries[..whole]);
        prop_assert_eq!(torn, length - file_of(&entries[..whole]).len());
    }

    #[test]
    fn a_damaged_byte_ends_the_entries_before_it(
        entries in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 1..12),
        place in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let mut file = file_of(&entries);
        let place = HEAD + place.index(file.len() - HEAD);
        file[place] ^= flip;
        let (found, torn) = read(&file);
        prop_assert!(found.len() < entries.len() && torn > 0);
        prop_assert_eq!(&found[..], &entries[..found.len()]);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = LogReader::new(&bytes).map(Iterator::count);
        let with_head = [&file_of(&[])[..], &bytes[..]].concat();
        let _ = read(&with_head);
    }
}

#[test]
fn an_entry_in_another_place_is_found() {
    let [one, two] = [b"one".to_vec(), b"two".to_vec()];
    let file = file_of(&[one.clone(), two.clone()]);
    let (head, first, second) = (&file[..HEAD], &file[HEAD..HEAD + 15], &file[HEAD + 15..]);
    assert_eq!(read(&[head, second, first].concat()), (vec![], 30));
    assert_eq!(read(&[head, first, first, second].concat()), (vec![one.clone()], 30));
    assert_eq!(read(&[head, first, second].concat()), (vec![one, two], 0));
}

#[test]
fn what_is_no_such_file_is_refused() {
    let file = file_of(&[vec![1]]);
    for bytes in [&b""[..], b"KEELSNAP....", &file[..HEAD - 1]] {
        assert!(matches!(LogReader::new(bytes), Err(StateError::NotALog { .. })), "{bytes:?}");
    }
    let mut newer = file;
    newer[8] = 9;
    assert!(matches!(LogReader::new(&newer), Err(StateError::LogVersion { found: 9, expected: 1 })));
}

#[test]
fn an_entry_that_fails_is_not_added() {
    let mut writer = LogWriter::new();
    let mut file = writer.take();
    put(&mut writer, &[1]);
    writer
        .entry(|content| {
            content.push(2);
            Err(StateError::Encode("no".to_owned()))
        })
        .unwrap_err();
    put(&mut writer, &[3]);
    file.extend(writer.take());
    assert_eq!(read(&file), (vec![vec![1], vec![3]], 0));
}
