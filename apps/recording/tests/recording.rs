//! A recording: read as it was written, up to where it was cut off, and refused where it contradicts itself.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::time::Duration;

use keel::console::Key;
use keel::state::{LogWriter, encode_into};
use keel_recording::{
    Change, FrameInput, Game, Head, Parts, Record, RecordedModule, Recording, RecordingWriter, take_up,
};

fn head() -> Record {
    let module = RecordedModule { name: "swim".to_owned(), version: "0.1.0".to_owned(), library: 7 };
    let step = Duration::from_millis(10);
    Record::Head(Head { keel: "0.1.0".to_owned(), step, seed: 3, modules: vec![module] })
}

fn frame(key: Key) -> Record {
    let dt = Duration::from_millis(17);
    Record::Frame(FrameInput { dt, keys: vec![key], terminal: Some((80, 24)), ..FrameInput::default() })
}

fn parts(parts: &[(&str, u64)]) -> Parts {
    parts.iter().map(|(name, hash)| ((*name).to_owned(), *hash)).collect()
}

fn file_of(records: &[Record]) -> Vec<u8> {
    let mut writer = RecordingWriter::default();
    records.iter().for_each(|record| writer.add(record).unwrap());
    writer.take()
}

fn whole() -> Vec<Record> {
    let start = Record::Start(Game(vec![1, 2, 3]));
    let swap = Change::Swap { modules: Vec::new(), accept_loss: true };
    let remove = Change::Remove { modules: vec!["hunt".to_owned()] };
    let changes = [swap, remove, Change::Reset].map(Record::Change);
    let rest = [frame(Key::Up), frame(Key::Letter('ü')), Record::End(Game(vec![]))];
    [head(), start].into_iter().chain(changes).chain(rest).collect()
}

#[test]
fn what_is_written_is_read() {
    let records = whole();
    let recording = Recording::parse(&file_of(&records)).unwrap();
    assert_eq!((Record::Head(recording.head.clone()), recording.torn_bytes), (records[0].clone(), 0));
    assert_eq!(recording.records[..], records[1..]);
}

#[test]
fn only_hashes_that_have_changed_are_written() {
    let all = [
        parts(&[("Position", 1), ("Tide", 2)]),
        parts(&[("Position", 1), ("Tide", 3)]),
        parts(&[("Position", 1)]),
    ];
    let start = || Record::Start(Game(vec![]));
    let [a, b, c] = all.clone().map(Record::Hashes);
    let file = file_of(&[head(), start(), a, b, c.clone(), start(), c]);
    let mut found = Parts::new();
    let mut seen = Vec::new();
    for record in Recording::parse(&file).unwrap().records {
        match record {
            Record::Hashes(news) => {
                take_up(&mut found, &news);
                seen.push((news.len(), found.clone()));
            }
            _ => found.clear(),
        }
    }
    let [a, b, c] = all;
    assert_eq!(seen, [(2, a), (1, b), (1, c.clone()), (1, c)]);
}

#[test]
fn a_recording_is_read_up_to_where_it_was_cut_off() {
    let (records, file) = (whole(), file_of(&whole()));
    let begun = file_of(&records[..2]).len();
    for length in 0..file.len() {
        match Recording::parse(&file[..length]) {
            Ok(recording) => {
                let count = recording.records.len();
                assert!(length >= begun && recording.records[..] == records[1..=count]);
                assert_eq!(length - recording.torn_bytes, file_of(&records[..=count]).len());
            }
            Err(error) => assert!(length < begun, "{length}: {error}"),
        }
    }
}

#[track_caller]
fn check_refused(file: &[u8], part: &str) {
    let error = Recording::parse(file).unwrap_err().to_string();
    assert!(error.contains(part), "`{part}` is not in: {error}");
}

#[test]
fn what_contradicts_itself_is_refused() {
    let start = Record::Start(Game(vec![]));
    check_refused(b"KEELSNAP", "this is no recording");
    check_refused(&file_of(&[]), "no beginning");
    check_refused(&file_of(std::slice::from_ref(&start)), "no beginning");
    check_refused(&file_of(&[head(), frame(Key::Up)]), "no beginning");
    check_refused(&file_of(&[head(), start.clone(), head()]), "two files were put together");
    let standing = Head { keel: String::new(), step: Duration::ZERO, seed: 0, modules: Vec::new() };
    check_refused(&file_of(&[Record::Head(standing), start]), "a step takes 0ns");
    let mut log = LogWriter::new();
    log.entry(|content| encode_into(&u32::MAX, content)).unwrap();
    check_refused(&log.take(), "record 0 can't be read");
    // A length that no bytes follow.
    let mut log = LogWriter::new();
    log.entry(|content| encode_into(&(1_u32, u64::MAX), content)).unwrap();
    check_refused(&log.take(), "the bytes end too early");
}
