//! Paths as text.

use std::fmt;
use std::str::FromStr;

use crate::ReflectError;

/// The name of a place: a type, and the way from a value of it to one of its parts.
///
/// | text | the place |
/// |---|---|
/// | `Position` | the whole value |
/// | `Position.x`, `Color.0` | a field, by its name or its number |
/// | `Inventory.items[3].name` | an element of a list or an array |
/// | `Mood.Afraid.since` | a field of an enum's payload, while it has that variant |
/// | `Scores.of["anna"]`, `Board.at[-2]` | an entry of a map |
/// | `Target.entity` | what is in an option; the path passes through it |
///
/// ```
/// use keel_state::FieldPath;
///
/// let path: FieldPath = "Inventory.items[3].name".parse()?;
/// assert_eq!(path.type_name(), "Inventory");
/// assert_eq!(path.segments().len(), 3);
/// assert_eq!(path.to_string(), "Inventory.items[3].name");
/// # Ok::<(), keel_state::ReflectError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldPath {
    type_name: String,
    segments: Vec<Segment>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// `.name`: a field or a variant.
    Name(String),
    /// `[key]`: an element or an entry.
    Key(Key),
}

/// What stands between brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A whole number.
    Number(i128),
    /// A text in quotes.
    Text(String),
}

impl FieldPath {
    /// The path that `text` writes.
    ///
    /// # Errors
    /// [`ReflectError::Syntax`]
    pub fn parse(text: &str) -> Result<Self, ReflectError> {
        let mut rest = Rest { text, at: 0 };
        let type_name = rest.name()?;
        let mut segments = Vec::new();
        while let Some(next) = rest.next() {
            segments.push(match next {
                '.' => Segment::Name(rest.name()?),
                '[' => Segment::Key(rest.key()?),
                other => return Err(rest.wrong(&format!("`{other}` stands where `.` or `[` should"))),
            });
        }
        Ok(Self { type_name, segments })
    }

    /// The path of the whole value of a type.
    pub fn of_type(name: impl Into<String>) -> Self {
        Self { type_name: name.into(), segments: Vec::new() }
    }

    /// The path of a part of this place.
    #[must_use]
    pub fn then(mut self, segment: Segment) -> Self {
        self.segments.push(segment);
        self
    }

    /// The declared name of the component, resource or event.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// The way from the value to the place.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The path without what follows the first `count` segments, as text.
    pub(crate) fn up_to(&self, count: usize) -> String {
        let mut text = self.type_name.clone();
        self.segments.iter().take(count).for_each(|segment| text.push_str(&segment.to_string()));
        text
    }
}

impl FromStr for FieldPath {
    type Err = ReflectError;

    fn from_str(text: &str) -> Result<Self, ReflectError> {
        Self::parse(text)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.up_to(self.segments.len()))
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(out, ".{name}"),
            Self::Key(key) => write!(out, "[{key}]"),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(out, "{number}"),
            Self::Text(text) => {
                let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
                write!(out, "\"{escaped}\"")
            }
        }
    }
}

/// What is left of a text.
struct Rest<'t> {
    text: &'t str,
    at: usize,
}

impl Rest<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.text[self.at..].chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn name(&mut self) -> Result<String, ReflectError> {
        let rest = &self.text[self.at..];
        let name = &rest[..rest.find(['.', '[', ']', '"']).unwrap_or(rest.len())];
        if name.trim().is_empty() || name.contains(char::is_whitespace) {
            return Err(self.wrong(&format!("`{name}` is no name")));
        }
        self.at += name.len();
        Ok(name.to_owned())
    }

    /// What follows `[`, and the bracket behind it.
    fn key(&mut self) -> Result<Key, ReflectError> {
        if self.text[self.at..].starts_with('"') {
            self.at += 1;
            let text = self.quoted()?;
            return match self.next() {
                Some(']') => Ok(Key::Text(text)),
                _ => Err(self.wrong("a key in quotes is not closed by `]`")),
            };
        }
        let rest = &self.text[self.at..];
        let end = rest.find(']').ok_or_else(|| self.wrong("`[` is not closed by `]`"))?;
        let number = rest[..end].trim().parse().map_err(|_| {
            self.wrong(&format!("`{}` is no whole number; a text needs quotes", &rest[..end]))
        })?;
        self.at += end + 1;
        Ok(Key::Number(number))
    }

    fn quoted(&mut self) -> Result<String, ReflectError> {
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.extend(self.next()),
                Some(other) => text.push(other),
                None => return Err(self.wrong("a key begins with quotes that don't end")),
            }
        }
    }

    fn wrong(&self, reason: &str) -> ReflectError {
        ReflectError::Syntax { text: self.text.to_owned(), reason: reason.to_owned() }
    }
}
