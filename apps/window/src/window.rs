//! The window: its events drive the game.

use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use keel::console::{Picture, PictureView};
use keel::engine::contain;
use keel_embed::Game;
use softbuffer::{Context as Display, Surface};
use winit::application::ApplicationHandler;
use winit::dpi::PhysicalSize;
use winit::event::{ElementState, WindowEvent};
use winit::event_loop::{ActiveEventLoop, ControlFlow};
use winit::window::{Window as Frame, WindowId};

use crate::canvas::{self, CELL_HIGH, CELL_WIDE};
use crate::keys::key_of;

/// The size with which the window opens, in pixels.
const SIZE: PhysicalSize<u32> = PhysicalSize::new(960, 576);

/// Between two frames.
const PERIOD: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// A game and the window that shows it.
pub(crate) struct Window {
    game: Game,
    frames: Option<u64>,
    screen: Option<Screen>,
    last: Instant,
    due: Instant,
    failure: Option<anyhow::Error>,
}

struct Screen {
    frame: Rc<Frame>,
    surface: Surface<Rc<Frame>, Rc<Frame>>,
}

impl Window {
    /// A window that is not open yet, and closes after so many frames.
    pub(crate) fn new(game: Game, frames: Option<u64>) -> Self {
        let now = Instant::now();
        Self { game, frames, screen: None, last: now, due: now, failure: None }
    }

    /// What went wrong while it was open.
    pub(crate) fn end(self) -> anyhow::Result<()> {
        self.failure.map_or(Ok(()), Err)
    }

    /// Runs one frame of the game, shows it, and says when the next is due.
    fn run_frame(&mut self, events: &ActiveEventLoop) -> anyhow::Result<()> {
        let now = Instant::now();
        let dt = now - self.last;
        self.last = now;
        // Frames that were missed are not made up for in a burst.
        self.due = (self.due + PERIOD).max(now);
        for fault in self.game.update(dt) {
            eprintln!("error: {}/{} failed: {}", fault.module, fault.system, fault.message);
        }
        if let Some(screen) = &mut self.screen {
            screen.draw(&self.game)?;
        }
        if self.frames.is_some_and(|frames| self.game.engine().time().frame >= frames) {
            events.exit();
        }
        Ok(())
    }

    /// Passes a key to the game.
    fn press(&self, key: keel::console::Key) {
        let views = self.game.binding().pin();
        if let Ok(view) = views.get::<dyn PictureView>() {
            report(contain(|| view.key(self.game.engine().world(), &views, key)));
        }
    }

    fn fail(&mut self, events: &ActiveEventLoop, outcome: anyhow::Result<()>) {
        if let Err(error) = outcome {
            self.failure = Some(error);
            events.exit();
        }
    }
}

impl ApplicationHandler for Window {
    fn resumed(&mut self, events: &ActiveEventLoop) {
        if self.screen.is_some() {
            return;
        }
        let opened = Screen::open(events, &self.game).map(|screen| self.screen = Some(screen));
        self.fail(events, opened);
        self.last = Instant::now();
        self.due = self.last;
    }

    fn about_to_wait(&mut self, events: &ActiveEventLoop) {
        if Instant::now() >= self.due {
            let outcome = self.run_frame(events);
            self.fail(events, outcome);
        }
        events.set_control_flow(ControlFlow::WaitUntil(self.due));
    }

    fn window_event(&mut self, events: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        match event {
            WindowEvent::CloseRequested => events.exit(),
            WindowEvent::RedrawRequested => {
                let drawn = self.screen.as_mut().map_or(Ok(()), |screen| screen.draw(&self.game));
                self.fail(events, drawn);
            }
            WindowEvent::KeyboardInput { event, .. } if event.state == ElementState::Pressed => {
                if let Some(key) = key_of(&event.logical_key) {
                    self.press(key);
                }
            }
            _ => {}
        }
    }

    fn exiting(&mut self, _: &ActiveEventLoop) {
        // The surface goes while there still is a connection to the display.
        self.screen = None;
    }
}

impl Screen {
    fn open(events: &ActiveEventLoop, game: &Game) -> anyhow::Result<Self> {
        let views = game.binding().pin();
        let title = views.get::<dyn PictureView>().map_or_else(|_| "Keel".to_owned(), PictureView::title);
        let attributes = Frame::default_attributes().with_title(title).with_inner_size(SIZE);
        let frame = Rc::new(events.create_window(attributes).context("the window can't be opened")?);
        let display = Display::new(Rc::clone(&frame)).map_err(|error| anyhow!("{error}"))?;
        let surface = Surface::new(&display, Rc::clone(&frame)).map_err(|error| anyhow!("{error}"))?;
        Ok(Self { frame, surface })
    }

    /// Draws the game's picture, as large as the window has room for.
    fn draw(&mut self, game: &Game) -> anyhow::Result<()> {
        let size = self.frame.inner_size();
        let (Some(wide), Some(high)) = (NonZeroU32::new(size.width), NonZeroU32::new(size.height)) else {
            // It is minimised.
            return Ok(());
        };
        let cells = |pixels: u32, cell: u32| u16::try_from(pixels / cell).unwrap_or(u16::MAX);
        let mut picture = Picture::new(cells(size.width, CELL_WIDE), cells(size.height, CELL_HIGH));
        let views = game.binding().pin();
        if let Ok(view) = views.get::<dyn PictureView>() {
            let engine = game.engine();
            report(contain(|| view.draw(engine.world(), &views, engine.time().alpha, &mut picture)));
        }
        let failed = |error: softbuffer::SoftBufferError| anyhow!("the window can't be drawn: {error}");
        self.surface.resize(wide, high).map_err(failed)?;
        let mut pixels = self.surface.buffer_mut().map_err(failed)?;
        canvas::paint(&picture, &mut pixels, size.width as usize);
        pixels.present().map_err(failed)
    }
}

/// Tells of a module's panic; the window stays open.
fn report<T>(outcome: Result<T, String>) {
    if let Err(message) = outcome {
        eprintln!("error: the game's picture failed: {message}");
    }
}
