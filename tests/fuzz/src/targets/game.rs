//! A saved game, gone on with by a game with its module and by one without.

use std::sync::Arc;

use keel::binding::Binding;
use keel::engine::{Engine, EngineConfig};
use keel::state::Snapshot;
use keel_registry::{BoundViews, Consent, Registry, RegistryConfig, describe_locals, describe_pools};

use crate::sealed::change_snapshot;
use crate::{KEEL_MODULE, Target};

pub(crate) const TARGET: Target = Target { name: "game", whole, change: change_snapshot, read };

/// An engine and what is in it.
struct Game {
    engine: Engine,
    registry: Registry,
}

impl Game {
    fn new() -> Self {
        let binding = Arc::new(Binding::new());
        let engine = Engine::with_views(EngineConfig::default(), Box::new(BoundViews::new(&binding)));
        Self { engine, registry: Registry::new(RegistryConfig::default(), binding) }
    }

    /// Begins, or goes on with a saved game. Returns whether it did.
    fn go_on(&mut self, bytes: Option<&[u8]>, has_module: bool, consent: Consent) -> bool {
        let checker = self.registry.checker();
        let module = has_module.then(|| checker.check_linked(&KEEL_MODULE, 0).expect("the module fits"));
        let modules = module.into_iter().collect();
        match bytes {
            Some(bytes) => self.registry.resume_game(&mut self.engine, modules, bytes, consent).is_ok(),
            None => self.registry.swap(&mut self.engine, modules, consent).is_ok(),
        }
    }

    fn steps(&mut self, count: u32) {
        for _ in 0..count {
            self.engine.update(EngineConfig::default().step);
        }
    }

    fn saved(&mut self) -> Vec<u8> {
        self.registry.save_game(&self.engine, Vec::new()).expect("a game can be saved")
    }

    fn hash(&self) -> u64 {
        self.registry.state_hash(&self.engine).expect("a game has a hash")
    }
}

fn whole() -> Vec<Vec<u8>> {
    let mut game = Game::new();
    assert!(game.go_on(None, true, Consent::Lossless), "the game begins");
    let begun = game.saved();
    game.steps(5);
    let faults = game.engine.take_faults();
    assert!(faults.is_empty(), "{faults:?}");
    vec![begun, game.saved()]
}

fn read(bytes: &[u8]) -> bool {
    if let Ok(file) = Snapshot::parse(bytes) {
        let _ = (describe_locals(&file), describe_pools(&file));
    }
    let with = use_as(bytes, true, Consent::Lossless);
    let lossy = with || use_as(bytes, true, Consent::AcceptLoss);
    let without = use_as(bytes, false, Consent::Lossless);
    with || lossy || without
}

/// Whether it was gone on with; it then is as good as any: saved, it comes back the same, and it goes on.
fn use_as(bytes: &[u8], has_module: bool, consent: Consent) -> bool {
    let mut game = Game::new();
    if !game.go_on(Some(bytes), has_module, consent) {
        return false;
    }
    let saved = game.saved();
    let mut again = Game::new();
    assert!(again.go_on(Some(&saved), has_module, Consent::Lossless), "what was saved is gone on with");
    assert_eq!(game.hash(), again.hash(), "a game is another after it was saved and gone on with");
    again.steps(2);
    true
}
