//! Keys of the window as keys of the game.

use keel::console::Key;
use winit::keyboard::{Key as WindowKey, NamedKey};

/// The key as the game knows it; `None` for those that it knows nothing of.
pub(crate) fn key_of(key: &WindowKey) -> Option<Key> {
    match key {
        WindowKey::Character(text) => text.chars().next().map(Key::Letter),
        WindowKey::Named(NamedKey::Space) => Some(Key::Letter(' ')),
        WindowKey::Named(NamedKey::Enter) => Some(Key::Enter),
        WindowKey::Named(NamedKey::Escape) => Some(Key::Escape),
        WindowKey::Named(NamedKey::Tab) => Some(Key::Tab),
        WindowKey::Named(NamedKey::Backspace) => Some(Key::Backspace),
        WindowKey::Named(NamedKey::PageUp) => Some(Key::PageUp),
        WindowKey::Named(NamedKey::PageDown) => Some(Key::PageDown),
        WindowKey::Named(NamedKey::Home) => Some(Key::Home),
        WindowKey::Named(NamedKey::End) => Some(Key::End),
        WindowKey::Named(NamedKey::ArrowUp) => Some(Key::Up),
        WindowKey::Named(NamedKey::ArrowDown) => Some(Key::Down),
        WindowKey::Named(NamedKey::ArrowLeft) => Some(Key::Left),
        WindowKey::Named(NamedKey::ArrowRight) => Some(Key::Right),
        _ => None,
    }
}
