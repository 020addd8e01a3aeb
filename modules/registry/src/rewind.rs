//! The running game put back to what it was: other state, the same code.

use keel_engine::Engine;

use crate::game_file::SavedGame;
use crate::{Consent, Registry, Rejection, SwapReport};

impl Registry {
    /// Goes on with the game in `bytes` instead of the running one: all that a world has, what is in pools, what modules
    /// and their systems keep, timers and calls. The code that is live stays; where its types have changed since the game
    /// was saved, the values are migrated. Modules that the game does not know are started, and those that a fault has
    /// suspended run again. The caller is between two frames.
    ///
    /// # Errors
    /// [`Rejection`] when the bytes are damaged, do not fit the modules, or a module can't be made afresh; nothing has
    /// changed then.
    pub fn rewind(
        &mut self,
        engine: &mut Engine,
        bytes: &[u8],
        consent: Consent,
    ) -> Result<SwapReport, Rejection> {
        let game = SavedGame::read(bytes)?;
        let candidates = self.made_afresh()?;
        self.swap_with(engine, candidates, consent, Some(game))
    }
}
