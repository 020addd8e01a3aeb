//! An engine with the dashboard in it, and a terminal emulator at the other end.

use std::sync::Arc;
use std::time::Duration;

use console::Console;
use keel::binding::{Binding, ModelPool, Offer, Pinned};
use keel::console::{
    Build, Color, Dashboard, Key, LogLevel, ModuleLine, ModuleState, Picture, PictureView, StageTime,
    SwapReport, Terminal, TerminalKind,
};
use keel::engine::{Engine, EngineConfig, ModuleTag, PinViews};
use keel::prelude::*;
use keel::state::SavedValue;
use keel::types::{Provided, ViewSource};

/// A frame of the host.
pub(crate) const FRAME: Duration = Duration::from_millis(40);

pub(crate) struct Rig {
    pub(crate) engine: Engine,
    binding: Arc<Binding>,
    pub(crate) terminals: Arc<ModelPool<Terminal>>,
    module: Console,
    screen: vt100::Parser,
    now: Duration,
}

struct Views(Arc<Binding>);

impl PinViews for Views {
    fn pin(&self) -> Box<dyn ViewSource + '_> {
        let pinned: Pinned = self.0.pin();
        Box::new(pinned)
    }
}

impl Rig {
    /// A screen of `columns` x `rows`, with the dashboard started and no game.
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        Self::with(TerminalKind::Screen, columns, rows)
    }

    pub(crate) fn with(kind: TerminalKind, columns: u16, rows: u16) -> Self {
        let binding = Arc::new(Binding::new());
        let mut engine = Engine::with_views(EngineConfig::default(), Box::new(Views(Arc::clone(&binding))));
        keel::console::install(engine.world_mut()).unwrap();
        let terminals = Arc::new(ModelPool::new(Terminal::LIMIT, Terminal::default));
        assert_eq!(terminals.take(), Ok(Terminal::MAIN));
        binding.bind(Offer::new("host").pool(terminals.clone())).unwrap();
        let mut rig = Self {
            engine,
            binding,
            terminals,
            module: Console::default(),
            screen: vt100::Parser::new(rows.max(1), columns.max(1), 0),
            now: Duration::ZERO,
        };
        rig.swap(None);
        rig.attach(kind, columns, rows);
        rig
    }

    /// Puts a new generation of the dashboard in the place of the old one, with `saved` as its state.
    fn swap(&mut self, saved: Option<SavedValue>) {
        let tag = ModuleTag::new("console");
        let (mut module, mut setup) = (Console::default(), Setup::new());
        module.register(&mut setup).unwrap();
        if let Some(saved) = saved {
            module.restore_state(&saved, false).unwrap();
        }
        let views = setup.take_views();
        drop(self.engine.exchange(vec![setup.into_code(&tag)]).unwrap());
        let offer = views.into_iter().fold(Offer::new("console"), Offer::provides);
        self.binding.rebind([offer]).unwrap();
        self.module = module;
    }

    pub(crate) fn swap_dashboard(&mut self) {
        let saved = self.module.save_state().unwrap();
        self.swap(Some(saved));
    }

    /// Binds a game's picture.
    pub(crate) fn bind(&self, picture: impl PictureView) {
        let offer = Offer::new("picture").provides(Provided::new::<dyn PictureView>(Box::new(picture)));
        self.binding.rebind([offer]).unwrap();
    }

    pub(crate) fn attach(&mut self, kind: TerminalKind, columns: u16, rows: u16) {
        self.terminal(|terminal| terminal.attach(kind, columns, rows));
        self.screen.screen_mut().set_size(rows.max(1), columns.max(1));
    }

    pub(crate) fn terminal<T>(&mut self, change: impl FnOnce(&mut Terminal) -> T) -> T {
        change(&mut self.terminals.get_mut(Terminal::MAIN).unwrap())
    }

    pub(crate) fn dashboard<T>(&mut self, change: impl FnOnce(&mut Dashboard) -> T) -> T {
        change(&mut self.engine.world_mut().resource_mut::<Dashboard>().unwrap())
    }

    /// Runs one frame of the host, shows what came out, and returns it.
    pub(crate) fn frame(&mut self) -> Vec<u8> {
        self.frame_after(FRAME)
    }

    pub(crate) fn frame_after(&mut self, dt: Duration) -> Vec<u8> {
        self.now += dt;
        let now = self.now;
        self.dashboard(|dashboard| dashboard.begin_frame(now, 3.0));
        self.engine.update(dt);
        assert_eq!(self.engine.take_faults(), []);
        let output = self.terminal(Terminal::take_output);
        if self.terminal(|terminal| terminal.kind()) == TerminalKind::Screen {
            self.screen.process(&output);
        }
        output
    }

    pub(crate) fn press(&mut self, keys: impl IntoIterator<Item = Key>) {
        keys.into_iter().for_each(|key| self.terminal(|terminal| terminal.press(key)));
        self.frame();
    }

    /// The screen's text, without spaces at the ends of its rows.
    pub(crate) fn text(&self) -> String {
        let (_, columns) = self.screen.screen().size();
        let rows = self.screen.screen().rows(0, columns);
        rows.map(|row| row.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    /// The screen with its colours, as escape codes, for a person to look at.
    pub(crate) fn picture(&self) -> Vec<u8> {
        self.screen.screen().contents_formatted()
    }

    /// The colour of the letters of `text`, where it stands first.
    pub(crate) fn color_of(&self, text: &str) -> vt100::Color {
        let (_, columns) = self.screen.screen().size();
        for (row, line) in (0..).zip(self.screen.screen().rows(0, columns)) {
            if let Some(at) = line.find(text) {
                let column = line[..at].chars().count() as u16;
                return self.screen.screen().cell(row, column).unwrap().fgcolor();
            }
        }
        panic!("`{text}` is not on the screen:\n{}", self.text());
    }

    /// Fails with the screen when it lacks any of `parts`.
    #[track_caller]
    pub(crate) fn check(&self, parts: &[&str]) {
        let text = self.text();
        for part in parts {
            assert!(text.contains(part), "`{part}` is not on the screen:\n{text}");
        }
    }

    /// Fails with the screen when it has any of `parts`.
    #[track_caller]
    pub(crate) fn check_lacks(&self, parts: &[&str]) {
        let text = self.text();
        for part in parts {
            assert!(!text.contains(part), "`{part}` is on the screen:\n{text}");
        }
    }
}

/// A game's picture: a frame around it, a fish in it, and a use for the letter `f`.
pub(crate) struct Fish;

impl PictureView for Fish {
    fn title(&self) -> String {
        "Shoal: f feeds the fish".to_owned()
    }

    fn draw(&self, world: &World, _: &dyn ViewSource, _: f32, picture: &mut Picture) {
        let sea = Color::new(40, 110, 170);
        for x in 0..picture.dots_wide() {
            let wave = (f64::from(x) / 7.0).sin() * 3.0;
            picture.dot(x, 6 + wave as i32, sea);
            picture.dot(x, picture.dots_high() - 2, Color::new(170, 140, 90));
        }
        let mut seed = 7_u32;
        for _ in 0..200 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let x = (seed >> 16) as i32 % picture.dots_wide().max(1);
            let y = 14 + (seed >> 8) as i32 % 997 % (picture.dots_high() - 20).max(1);
            for tail in 0..4 {
                picture.dot(x + tail, y, Color::new(255, 170, 90).mix(sea, tail as f32 / 4.0));
            }
        }
        picture.text(2, 3, &format!("{} fish", world.len()), Color::WHITE);
    }

    fn key(&self, _: &World, _: &dyn ViewSource, key: Key) -> bool {
        key == Key::Letter('f')
    }
}

/// What a host at work would tell.
pub(crate) fn fill_in(rig: &mut Rig) {
    let modules = [
        ("shoal-model", "model", 0, ModuleState::Live, ""),
        ("ecs", "view-model", 0, ModuleState::Live, "keel.EcsView"),
        ("console", "view-model", 1, ModuleState::Live, "keel.ConsoleView"),
        ("shoal-picture", "view", 3, ModuleState::Suspended, "keel.PictureView"),
        ("swim", "view-model", 7, ModuleState::Building, ""),
    ];
    rig.dashboard(|dashboard| {
        dashboard.modules = modules
            .map(|(name, kind, generation, state, view)| ModuleLine {
                name: name.to_owned(),
                kind: kind.to_owned(),
                version: "0.1.0".to_owned(),
                generation,
                state,
                views: view.split_whitespace().map(str::to_owned).collect(),
            })
            .into();
        dashboard.is_watching = true;
        dashboard.memory_bytes = 34_234_000;
        dashboard.libraries = 9;
        dashboard.log(LogLevel::Info, "5 modules loaded in 12 ms");
        dashboard.log(LogLevel::Error, "swim: `speed` would be lost; press c to accept");
        let stage = |stage: &str, us| StageTime { stage: stage.to_owned(), time: Duration::from_micros(us) };
        dashboard.swapped(SwapReport {
            module: "swim".to_owned(),
            generation: 7,
            stages: vec![
                stage("detect", 9_000),
                stage("build", 241_000),
                stage("check", 4_000),
                stage("swap", 600),
            ],
            carried: 10_000,
            ..SwapReport::default()
        });
        for frame in 0..240_u64 {
            let ms = 2.5 + (frame as f32 / 9.0).sin() + if frame % 61 == 0 { 4.0 } else { 0.0 };
            dashboard.frames.record(Duration::from_millis(frame * 16), ms);
        }
    });
    rig.now = Duration::from_millis(240 * 16);
}

/// A message of rustc, with its colours, that is longer than a small screen.
pub(crate) fn compiler_message() -> String {
    let mut message = String::new();
    for number in 1..=12 {
        message += &format!(
            "\u{1b}[0m\u{1b}[1m\u{1b}[38;5;9merror[E0308]\u{1b}[0m\u{1b}[0m\u{1b}[1m: mismatched types {number}\u{1b}[0m\n\
             \u{1b}[0m  \u{1b}[0m\u{1b}[0m\u{1b}[1m\u{1b}[38;5;12m--> \u{1b}[0m\u{1b}[0msystems/swim/src/lib.rs:{number}:5\u{1b}[0m\n\
             \u{1b}[0m   \u{1b}[0m\u{1b}[0m\u{1b}[1m\u{1b}[38;5;12m|\u{1b}[0m    speed.x\tint\n"
        );
    }
    message + "error: could not compile `swim` (lib) due to 12 previous errors\n"
}

pub(crate) fn fail_build(rig: &mut Rig) {
    let at = rig.now;
    rig.dashboard(|dashboard| {
        dashboard.build = Build::Failed { modules: vec!["swim".to_owned()], message: compiler_message(), at };
    });
    rig.frame();
}
