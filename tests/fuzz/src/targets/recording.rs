//! A recorded game.

use std::time::Duration;

use keel::console::Key;
use keel_recording::{
    Change as Changed, FrameInput, Game, Head, Record, RecordedModule, Recording, RecordingWriter, take_up,
};

use crate::Target;
use crate::change::Change;
use crate::sealed::{change_log, change_snapshot};
use crate::targets::world;

pub(crate) const TARGET: Target = Target { name: "recording", whole, change, read };

fn whole() -> Vec<Vec<u8>> {
    let module = || RecordedModule { name: "swim".to_owned(), version: "0.1.0".to_owned(), library: 7 };
    let step = Duration::from_millis(10);
    let head = Record::Head(Head { keel: "0.1.0".to_owned(), step, seed: 3, modules: vec![module()] });
    let start = || Record::Start(Game((world::TARGET.whole)().pop().unwrap_or_default()));
    let input =
        |keys: Vec<Key>| FrameInput { dt: step, keys, terminal: Some((80, 24)), ..FrameInput::default() };
    let hashes = |hash: u64| Record::Hashes([("Place".to_owned(), hash), ("Tide".to_owned(), 2)].into());
    let records = [
        head,
        start(),
        Record::Frame(input(vec![Key::Up, Key::Letter('ü')])),
        hashes(1),
        Record::Change(Changed::Swap { modules: vec![module()], accept_loss: true }),
        Record::Change(Changed::Remove { modules: vec!["hunt".to_owned()] }),
        Record::Change(Changed::Reset),
        start(),
        hashes(3),
        Record::Frame(FrameInput { paused: true, ..input(Vec::new()) }),
        Record::End(Game(vec![1; 16])),
    ];
    vec![written(&records), written(&records[..2])]
}

fn written(records: &[Record]) -> Vec<u8> {
    let mut writer = RecordingWriter::default();
    records.iter().for_each(|record| writer.add(record).expect("a record can be written"));
    writer.take()
}

fn change(file: &mut Vec<u8>, change: &mut dyn Change) {
    change_log(file, change, |entry, change| {
        // A game begins after the number of its variant and its length.
        match entry.split_at_checked(12).filter(|_| change.once_in(2)) {
            Some((front, game)) if game.starts_with(b"KEELSNAP") => {
                let (mut front, mut game) = (front.to_vec(), game.to_vec());
                change_snapshot(&mut game, change);
                front[4..].copy_from_slice(&(game.len() as u64).to_le_bytes());
                *entry = [front, game].concat();
            }
            _ => change.bytes(entry),
        }
    });
}

fn read(bytes: &[u8]) -> bool {
    let recording = match Recording::parse(bytes) {
        Ok(recording) => recording,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    assert!(recording.torn_bytes <= bytes.len());
    // What a replay does with it before any game is made of it.
    let mut parts = std::collections::BTreeMap::new();
    for record in &recording.records {
        match record {
            Record::Start(_) => parts.clear(),
            Record::Hashes(news) => take_up(&mut parts, news),
            _ => {}
        }
    }
    let records: Vec<_> = [Record::Head(recording.head)].into_iter().chain(recording.records).collect();
    // Hashes are written as they differ, so those that say nothing new come back without it.
    let plain = |record: &Record| !matches!(record, Record::Hashes(_));
    let again = Recording::parse(&written(&records)).expect("what was read can be written");
    assert_eq!(again.torn_bytes, 0);
    let same = again.records.iter().zip(&records[1..]).filter(|(_, before)| plain(before));
    same.for_each(|(after, before)| assert_eq!(after, before));
    true
}
