//! Where the person in front of the dashboard has got to.

use std::time::Duration;

use keel::console::{Build, Dashboard, Key};
use keel::prelude::*;

/// Who gets the arrow keys.
#[data]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Focus {
    /// The game.
    #[default]
    World,
    /// The list of modules.
    Modules,
    /// The log.
    Log,
}

/// What survives a swap of the dashboard itself.
#[data]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) focus: Focus,
    /// The first module shown.
    pub(crate) modules_scroll: u64,
    /// The module that is marked, by its place in the list.
    pub(crate) marked: u64,
    /// How many rows of the log lie below the last one shown.
    pub(crate) log_scroll: u64,
    /// The first row shown of the compiler's message.
    pub(crate) error_scroll: u64,
    /// The failure whose message was closed, by its time.
    pub(crate) closed: Option<Duration>,
    /// The failure whose message was written as lines.
    pub(crate) failure_written: Option<Duration>,
    /// The second of simulation time whose line was written.
    pub(crate) second_written: u64,
}

/// How many rows a page has, in what is scrolled; as last drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pages {
    pub(crate) error: u64,
    pub(crate) modules: u64,
    pub(crate) log: u64,
}

impl Default for Pages {
    fn default() -> Self {
        Self { error: 10, modules: 5, log: 5 }
    }
}

impl State {
    /// The failure whose message lies over the dashboard.
    pub(crate) fn open_failure(&self, dashboard: &Dashboard) -> Option<Duration> {
        failure(dashboard).filter(|at| self.closed != Some(*at))
    }

    /// Takes a key, if the dashboard has a use for it.
    pub(crate) fn take_key(&mut self, key: Key, dashboard: &mut Dashboard, pages: Pages) -> bool {
        match (self.open_failure(dashboard), failure(dashboard)) {
            (Some(at), _) => self.take_key_of_message(key, at, pages),
            (None, Some(_)) if key == Key::Enter => {
                (self.closed, self.error_scroll) = (None, 0);
                true
            }
            _ => self.take_key_of_focus(key, dashboard, pages),
        }
    }

    fn take_key_of_message(&mut self, key: Key, failure: Duration, pages: Pages) -> bool {
        if key == Key::Escape {
            (self.closed, self.error_scroll) = (Some(failure), 0);
            return true;
        }
        scroll(&mut self.error_scroll, key, pages.error)
    }

    fn marked(&self, dashboard: &Dashboard) -> Option<String> {
        dashboard.modules.get(self.marked as usize).map(|module| module.name.clone())
    }

    fn take_key_of_focus(&mut self, key: Key, dashboard: &mut Dashboard, pages: Pages) -> bool {
        if key == Key::Tab {
            self.focus = match self.focus {
                Focus::World => Focus::Modules,
                Focus::Modules => Focus::Log,
                Focus::Log => Focus::World,
            };
            return true;
        }
        match self.focus {
            Focus::World => false,
            _ if key == Key::Escape => {
                self.focus = Focus::World;
                true
            }
            Focus::Modules if key == Key::Letter('m') => {
                dashboard.reload = self.marked(dashboard);
                true
            }
            Focus::Modules if key == Key::Letter('b') => {
                dashboard.rollback = self.marked(dashboard);
                true
            }
            Focus::Modules => {
                let is_used = scroll(&mut self.marked, key, pages.modules);
                self.marked = self.marked.min((dashboard.modules.len() as u64).saturating_sub(1));
                is_used
            }
            // The log is read from its end.
            Focus::Log => scroll(&mut self.log_scroll, reversed(key), pages.log),
        }
    }
}

fn failure(dashboard: &Dashboard) -> Option<Duration> {
    match dashboard.build {
        Build::Failed { at, .. } => Some(at),
        _ => None,
    }
}

/// Moves `first` by a key that scrolls; the end is found when it is drawn.
fn scroll(first: &mut u64, key: Key, page: u64) -> bool {
    *first = match key {
        Key::Up => first.saturating_sub(1),
        Key::Down => first.saturating_add(1),
        Key::PageUp => first.saturating_sub(page),
        Key::PageDown => first.saturating_add(page),
        Key::Home => 0,
        Key::End => u64::MAX,
        _ => return false,
    };
    true
}

fn reversed(key: Key) -> Key {
    match key {
        Key::Up => Key::Down,
        Key::Down => Key::Up,
        Key::PageUp => Key::PageDown,
        Key::PageDown => Key::PageUp,
        Key::Home => Key::End,
        Key::End => Key::Home,
        key => key,
    }
}
