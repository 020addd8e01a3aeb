//! What an engine is told, on its way there: whoever says it waits for nobody.

use std::io::{self, Write};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::os::Stream;
use crate::protocol::{self, ToEngine};

/// To the thread that sends: an engine reads a large game no sooner than it has started.
pub(super) struct Orders(Sender<Order>);

/// An order as it is sent, and the game that follows it, if one does.
struct Order {
    message: Vec<u8>,
    game: Option<Arc<Vec<u8>>>,
}

impl Orders {
    /// Sends one after the other, until this is dropped.
    pub(super) fn start(stream: Stream) -> io::Result<Self> {
        let (sender, orders) = unbounded();
        thread::Builder::new().name("keel-engine-orders".to_owned()).spawn(|| send_all(orders, stream))?;
        Ok(Self(sender))
    }

    /// Has an order sent, and a game after it, which is not copied for that.
    pub(super) fn send(&self, order: &ToEngine, game: Option<Arc<Vec<u8>>>) {
        let mut message = Vec::new();
        if protocol::send(&mut message, order).is_ok() {
            // The engine may have gone; its channel of messages says so.
            let _ = self.0.send(Order { message, game });
        }
    }
}

fn send_all(orders: Receiver<Order>, mut stream: Stream) {
    for Order { message, game } in orders {
        let game = game.as_ref().map_or(&[][..], |game| game);
        if stream.write_all(&message).and_then(|()| stream.write_all(game)).is_err() {
            return;
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use keel_registry::Past;

    use super::*;
    use crate::protocol::{Game, receive_order};

    #[test]
    fn nobody_waits_for_an_engine_that_does_not_read_its_game_yet() {
        let (ours, mut theirs) = Stream::pair().unwrap();
        let orders = Orders::start(ours).unwrap();
        // More than any connection takes of what nobody reads.
        let game = Arc::new(vec![7; 64 << 20]);
        let load = ToEngine::Load {
            modules: Vec::new(),
            game: Some(Game::sent(&game)),
            accept_loss: true,
            first_frame: None,
            past: Past::default(),
        };
        orders.send(&load, Some(Arc::clone(&game)));
        orders.send(&ToEngine::Stop, None);
        let ToEngine::Load { game: Some(Game::Sent { content, .. }), .. } =
            receive_order(&mut theirs).unwrap()
        else {
            panic!("it comes first")
        };
        assert!(content == *game);
        assert!(matches!(receive_order(&mut theirs).unwrap(), ToEngine::Stop));
    }
}
