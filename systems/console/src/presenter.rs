//! The system that draws: once in each frame, after its steps.

use std::time::Duration;

use keel::binding::{ModelMut, PoolError};
use keel::console::{Dashboard, LogLevel, Terminal, TerminalKind};
use keel::prelude::*;

use crate::draw::{self, Areas};
use crate::lines;
use crate::screen::Screen;
use crate::state::{Pages, State};
use crate::world::Painter;

/// The screen is drawn no sooner than so long after the last time, and no more often than its bytes are taken. A
/// key, a new size and a swap are shown at once.
const PERIOD: Duration = Duration::from_millis(33);

/// Draws the dashboard, or writes lines where there is no screen.
///
/// It is made anew with each generation, and knows nothing of what is on the screen then, so that a swap of the
/// dashboard draws all of it again. What survives is in [`State`].
pub(crate) struct Presenter {
    state: Shared<State>,
    screen: Screen,
    painter: Painter,
    pages: Pages,
    /// When it was drawn last, by the host's clock; `None` until it was.
    drawn: Option<Duration>,
}

impl Presenter {
    pub(crate) fn new(state: Shared<State>) -> Self {
        Self {
            state,
            screen: Screen::default(),
            painter: Painter::default(),
            pages: Pages::default(),
            drawn: None,
        }
    }

    /// Runs as the system `draw`. Without a terminal nothing is presented.
    pub(crate) fn run(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        if terminal(frame).is_err() || !frame.world.has_resource::<Dashboard>() {
            return Ok(());
        }
        show_lines(frame)?;
        let any_used = self.take_keys(frame)?;
        let (kind, is_ready) = {
            let terminal = terminal(frame)?;
            (terminal.kind(), terminal.is_ready())
        };
        match kind {
            _ if !is_ready => Ok(()),
            TerminalKind::Lines => lines::write(frame, &mut self.state.write()),
            TerminalKind::Screen => self.draw(frame, any_used),
        }
    }

    /// Hands each key to the dashboard, else to the game, else leaves it. Whether the dashboard had a use for any.
    fn take_keys(&mut self, frame: &Frame<'_>) -> Result<bool, ModuleError> {
        let mut any_used = false;
        loop {
            let (kind, key) = {
                let mut terminal = terminal(frame)?;
                (terminal.kind(), terminal.next_pressed())
            };
            let Some(key) = key else { return Ok(any_used) };
            let is_used = kind == TerminalKind::Screen && {
                let mut dashboard = frame.world.resource_mut::<Dashboard>()?;
                self.state.write().take_key(key, &mut dashboard, self.pages)
            };
            any_used |= is_used;
            // No resource is borrowed while the game's code runs.
            if !is_used && !self.painter.key(frame, key) {
                terminal(frame)?.leave(key);
            }
        }
    }

    fn draw(&mut self, frame: &Frame<'_>, at_once: bool) -> ModuleResult {
        let (columns, rows, needs_redraw) = {
            let terminal = terminal(frame)?;
            (terminal.columns(), terminal.rows(), terminal.needs_redraw())
        };
        let now = frame.world.resource::<Dashboard>()?.now;
        let redraw = needs_redraw || self.drawn.is_none();
        let is_due = self.drawn.is_none_or(|drawn| now < drawn || now - drawn >= PERIOD);
        if columns == 0 || rows == 0 || !(redraw || at_once || is_due) {
            return Ok(());
        }
        let has_notice = !frame.world.resource::<Dashboard>()?.notice.is_empty();
        let areas = Areas::of(columns, rows, has_notice);
        let scene = self.painter.paint(frame, areas.world.width, areas.world.height);
        let dashboard = frame.world.resource::<Dashboard>()?;
        let buffer = self.screen.begin(columns, rows);
        let mut state = self.state.write();
        self.pages = draw::dashboard(buffer, &areas, &dashboard, &scene, frame.world.len(), &mut state);
        drop(dashboard);
        terminal(frame)?.show(&self.screen.finish(redraw));
        self.drawn = Some(now);
        Ok(())
    }
}

/// The terminal of the engine's own process, for as long as one statement needs it: the game's code may ask for it too.
pub(crate) fn terminal<'a>(frame: &Frame<'a>) -> Result<ModelMut<'a, Terminal>, PoolError> {
    frame.models::<Terminal>()?.get_mut(Terminal::MAIN)
}

/// Moves what modules have written into the log.
fn show_lines(frame: &Frame<'_>) -> ModuleResult {
    let (cleared, lines) = {
        let mut terminal = terminal(frame)?;
        (terminal.take_cleared(), terminal.take_lines())
    };
    let mut dashboard = frame.world.resource_mut::<Dashboard>()?;
    if cleared {
        dashboard.log.clear();
    }
    for line in lines {
        // An empty line is one, too.
        dashboard.log(LogLevel::Output, if line.is_empty() { " " } else { &line });
    }
    Ok(())
}
