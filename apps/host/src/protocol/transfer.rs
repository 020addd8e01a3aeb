//! Snapshots on their way: from the engine in parts, between which other messages may come, and to it in one.

use std::io::{self, Read, Write};

use super::{FromEngine, Library, Received, ToEngine, invalid, receive, receive_bytes, send};

/// So much of a snapshot at a time: an event and a picture of the screen wait for no more.
const PART_BYTES: usize = 256 << 10;

/// No snapshot is longer; it is kept in memory several times over.
pub(crate) const SNAPSHOT_BYTES_MAX: u64 = 1 << 30;

/// A game between two frames.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TakenGame {
    /// How many frames of the game had begun.
    pub(crate) frame: u64,
    /// Which library of each module was live.
    pub(crate) libraries: Vec<Library>,
    /// What `Registry::save_game` has written.
    pub(crate) bytes: Vec<u8>,
}

/// Sends a snapshot. `out` is asked for anew for each part, and let go of after it, so that others may write between them.
pub(crate) fn send_snapshot<W: Write>(
    mut out: impl FnMut() -> W,
    frame: u64,
    libraries: Vec<Library>,
    bytes: &[u8],
) -> io::Result<()> {
    send(&mut out(), &FromEngine::Snapshot { frame, libraries, bytes: bytes.len() as u64 })?;
    for part in bytes.chunks(PART_BYTES) {
        let mut out = out();
        send(&mut out, &FromEngine::SnapshotPart { bytes: part.len() as u32 })?;
        out.write_all(part)?;
    }
    Ok(())
}

/// Receives an order; where it announces a game's bytes, they are in it.
pub(crate) fn receive_order(input: &mut impl Read) -> io::Result<ToEngine> {
    let mut order = receive(input)?;
    if let ToEngine::Load { game: Some(super::Game::Sent { bytes, content }), .. } = &mut order {
        *content = receive_long(input, *bytes)?;
    }
    Ok(order)
}

fn receive_long(input: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    if length > SNAPSHOT_BYTES_MAX {
        return Err(invalid("a snapshot is longer than any of ours"));
    }
    // Pages of it are taken as they are filled.
    let mut bytes = Vec::with_capacity(length as usize);
    input.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Reads what an engine says, and puts snapshots together. One that ends in the middle never comes out.
pub(crate) struct MessageReader<R> {
    input: R,
    coming: Option<Coming>,
}

struct Coming {
    game: TakenGame,
    /// How long it will be.
    length: u64,
}

impl<R: Read> MessageReader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, coming: None }
    }

    /// The next message, picture or whole snapshot.
    ///
    /// # Errors
    /// When the engine is gone, or says what no engine says.
    pub(crate) fn next(&mut self) -> io::Result<Received> {
        loop {
            match receive(&mut self.input)? {
                FromEngine::Screen { bytes } => {
                    return Ok(Received::Screen(receive_bytes(&mut self.input, bytes)?));
                }
                FromEngine::Snapshot { frame, libraries, bytes } => {
                    if bytes > SNAPSHOT_BYTES_MAX {
                        return Err(invalid("a snapshot is longer than any of ours"));
                    }
                    let game = TakenGame { frame, libraries, bytes: Vec::with_capacity(bytes as usize) };
                    self.coming = Some(Coming { game, length: bytes });
                }
                FromEngine::SnapshotPart { bytes } => {
                    if let Some(game) = self.take_part(bytes)? {
                        return Ok(Received::Snapshot(game));
                    }
                }
                message => return Ok(Received::Message(message)),
            }
        }
    }

    /// The snapshot, if this was the last part of it.
    fn take_part(&mut self, bytes: u32) -> io::Result<Option<TakenGame>> {
        let Some(Coming { game, length }) = &mut self.coming else {
            return Err(invalid("a part came of no snapshot"));
        };
        if game.bytes.len() as u64 + u64::from(bytes) > *length {
            return Err(invalid("a snapshot is longer than was said"));
        }
        let read = self.input.by_ref().take(bytes.into()).read_to_end(&mut game.bytes)?;
        if read < bytes as usize {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let is_whole = game.bytes.len() as u64 == *length;
        Ok(if is_whole { self.coming.take().map(|coming| coming.game) } else { None })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use keel_fuzz::{Change as _, Random};
    use keel_registry::Past;

    use super::super::Game;
    use super::*;

    fn library(module: &str) -> Library {
        Library {
            module: module.to_owned(),
            path: format!("{module}-3.so").into(),
            generation: 3,
            stated: None,
        }
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|index| (index % 251) as u8).collect()
    }

    /// A snapshot of so many bytes as it is sent, with a message before each part.
    fn sent(length: usize) -> Vec<u8> {
        let out = RefCell::new(Vec::new());
        let between = || {
            send(&mut *out.borrow_mut(), &FromEngine::Frame { frame: 7 }).unwrap();
            Appending(&out)
        };
        send_snapshot(between, 42, vec![library("swim")], &content(length)).unwrap();
        out.into_inner()
    }

    struct Appending<'a>(&'a RefCell<Vec<u8>>);

    impl Write for Appending<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn whatever_comes_is_a_message_or_an_error() {
        let (whole, mut refused) = (sent(1000), 0);
        for seed in 0..2000 {
            let mut bytes = whole.clone();
            Random::new(seed).bytes(&mut bytes);
            let mut reader = MessageReader::new(&bytes[..]);
            let error =
                (0..=bytes.len()).find_map(|_| reader.next().err()).expect("each message takes bytes");
            refused += usize::from(error.kind() != io::ErrorKind::UnexpectedEof);
        }
        assert!((200..2000).contains(&refused), "{refused} were no messages, the others ended early");
    }

    #[test]
    fn a_snapshot_comes_out_whole_and_others_come_between_its_parts() {
        for length in [1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES] {
            let bytes = sent(length);
            let mut reader = MessageReader::new(bytes.as_slice());
            let mut between = 0;
            let game = loop {
                match reader.next().unwrap() {
                    Received::Snapshot(game) => break game,
                    Received::Message(FromEngine::Frame { frame: 7 }) => between += 1,
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(between, 1 + length.div_ceil(PART_BYTES));
            assert_eq!((game.frame, &game.libraries[0].module), (42, &"swim".to_owned()));
            assert!(game.bytes == content(length), "{length} bytes");
            assert!(reader.next().is_err(), "nothing is left");
        }
    }

    #[test]
    fn a_snapshot_that_is_cut_off_anywhere_never_comes_out() {
        let bytes = sent(1000);
        for end in 0..bytes.len() {
            let mut reader = MessageReader::new(&bytes[..end]);
            while let Ok(received) = reader.next() {
                assert!(!matches!(received, Received::Snapshot(_)), "of {end} bytes");
            }
        }
    }

    #[test]
    fn parts_that_belong_to_no_snapshot_are_refused() {
        let part = |out: &mut Vec<u8>, length: u32| {
            send(out, &FromEngine::SnapshotPart { bytes: length }).unwrap();
            out.extend(content(length as usize));
        };
        let head = |out: &mut Vec<u8>, bytes: u64| {
            send(out, &FromEngine::Snapshot { frame: 1, libraries: Vec::new(), bytes }).unwrap();
        };
        let refused = |bytes: &[u8]| {
            let mut reader = MessageReader::new(bytes);
            loop {
                if let Err(error) = reader.next() {
                    return error.to_string();
                }
            }
        };
        let mut lone = Vec::new();
        part(&mut lone, 3);
        assert!(refused(&lone).contains("of no snapshot"));
        let mut long = Vec::new();
        head(&mut long, 4);
        part(&mut long, 5);
        assert!(refused(&long).contains("longer than was said"));
        let mut huge = Vec::new();
        head(&mut huge, SNAPSHOT_BYTES_MAX + 1);
        assert!(refused(&huge).contains("longer than any"));
    }

    #[test]
    fn an_order_brings_the_game_that_it_announces() {
        let load = |bytes: u64| ToEngine::Load {
            modules: vec![library("swim")],
            game: Some(Game::Sent { bytes, content: Vec::new() }),
            accept_loss: true,
            first_frame: Some(3),
            past: Past::default(),
        };
        let mut out = Vec::new();
        send(&mut out, &load(1000)).unwrap();
        out.extend(content(1000));
        send(&mut out, &ToEngine::Stop).unwrap();
        let mut input = out.as_slice();
        let ToEngine::Load { game: Some(Game::Sent { content: came, .. }), modules, .. } =
            receive_order(&mut input).unwrap()
        else {
            panic!("it was sent")
        };
        assert!(came == content(1000) && modules[0].generation == 3);
        assert!(matches!(receive_order(&mut input).unwrap(), ToEngine::Stop));
        assert!(receive_order(&mut &out[..out.len() / 2]).is_err(), "half of it");
        let mut huge = Vec::new();
        send(&mut huge, &load(u64::MAX)).unwrap();
        assert!(receive_order(&mut huge.as_slice()).unwrap_err().to_string().contains("longer than any"));
    }
}
