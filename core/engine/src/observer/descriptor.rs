//! What a module says of its observers.

/// An observer's name, and its place among the observers of the same thing. A name alone is one, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObserverDescriptor {
    pub(crate) name: String,
    pub(crate) before: Vec<String>,
    pub(crate) after: Vec<String>,
}

impl ObserverDescriptor {
    /// Observer `name`, in any order.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), before: Vec::new(), after: Vec::new() }
    }

    /// Runs it before `observer`: one of the same module, or `module/observer`, or all of `module/`. One that is not there
    /// changes nothing.
    #[must_use]
    pub fn before(mut self, observer: &str) -> Self {
        self.before.push(observer.to_owned());
        self
    }

    /// Runs it after `observer`, named as in [`ObserverDescriptor::before`].
    #[must_use]
    pub fn after(mut self, observer: &str) -> Self {
        self.after.push(observer.to_owned());
        self
    }

    /// The observer's name within its module.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl From<&str> for ObserverDescriptor {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}
