//! What a module has that `keel bench ecs` measures. A game runs none of it.

use std::fmt;

/// What a benchmark case is. Cases of one name are the same task, done by several engines or in several ways, and are
/// compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BenchCase {
    name: String,
    variant: Option<String>,
    form: String,
    operations: u64,
    entities: Option<u64>,
}

impl BenchCase {
    /// The case `name`, timed by the iteration, in microseconds.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), variant: None, form: String::new(), operations: 1, entities: None }
    }

    /// The second and further ways of one case have a name each; the report shows `keel (VARIANT)`.
    #[must_use]
    pub fn variant(mut self, variant: &str) -> Self {
        self.variant = Some(variant.to_owned());
        self
    }

    /// How it is written, in a sentence for the report: `typed query, for_each`.
    #[must_use]
    pub fn form(mut self, form: &str) -> Self {
        self.form = form.to_owned();
        self
    }

    /// One iteration is so many operations: the report tells the time of one, in nanoseconds. 0 counts as 1.
    #[must_use]
    pub fn operations(mut self, operations: u64) -> Self {
        self.operations = operations.max(1);
        self
    }

    /// What is prepared holds so many entities: the report tells the bytes of memory for each.
    #[must_use]
    pub fn entities(mut self, entities: u64) -> Self {
        self.entities = (entities > 0).then_some(entities);
        self
    }

    /// The task.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The way, if it is not the first.
    pub fn variant_name(&self) -> Option<&str> {
        self.variant.as_deref()
    }

    /// How it is written.
    pub fn form_text(&self) -> &str {
        &self.form
    }

    /// How many operations an iteration is; 1 or more.
    pub fn operations_per_iteration(&self) -> u64 {
        self.operations
    }

    /// How many entities are prepared, where memory is to be told.
    pub fn entities_prepared(&self) -> Option<u64> {
        self.entities
    }
}

impl fmt::Display for BenchCase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.variant {
            Some(variant) => write!(out, "{} ({variant})", self.name),
            None => out.write_str(&self.name),
        }
    }
}

/// What was prepared for a case, to be run again and again: a closure, or a [`CheckedRoutine`].
pub trait BenchRoutine {
    /// What is timed.
    fn iterate(&mut self);

    /// What the iterations so far have computed, as one number that other engines must come to as well. It is asked for
    /// after the first iterations and not timed; `None` where there is nothing to compare.
    fn checksum(&mut self) -> Option<f64> {
        None
    }

    /// Iterates so often. The loop is the module's own code, so that nothing but the iterations is timed.
    fn run(&mut self, iterations: u64) {
        for _ in 0..iterations {
            self.iterate();
        }
    }
}

impl<F: FnMut()> BenchRoutine for F {
    fn iterate(&mut self) {
        self();
    }
}

/// A routine over a state, whose result can be checked.
pub struct CheckedRoutine<S, I, C> {
    state: S,
    iterate: I,
    checksum: C,
}

impl<S, I: FnMut(&mut S), C: FnMut(&mut S) -> f64> CheckedRoutine<S, I, C> {
    /// Runs `iterate` on `state`; `checksum` says what it has come to.
    pub fn new(state: S, iterate: I, checksum: C) -> Self {
        Self { state, iterate, checksum }
    }
}

impl<S, I: FnMut(&mut S), C: FnMut(&mut S) -> f64> BenchRoutine for CheckedRoutine<S, I, C> {
    fn iterate(&mut self) {
        (self.iterate)(&mut self.state);
    }

    fn checksum(&mut self) -> Option<f64> {
        Some((self.checksum)(&mut self.state))
    }
}

/// A case as a module has declared it.
pub struct DeclaredBench {
    case: BenchCase,
    make: Box<dyn Fn() -> Box<dyn BenchRoutine> + Send>,
}

impl DeclaredBench {
    pub(crate) fn new<R: BenchRoutine + 'static>(
        case: BenchCase,
        make: impl Fn() -> R + Send + 'static,
    ) -> Self {
        Self { case, make: Box::new(move || Box::new(make())) }
    }

    /// What it is.
    pub fn case(&self) -> &BenchCase {
        &self.case
    }

    /// Prepares it: code of the module, which may panic.
    pub fn prepare(&self) -> Box<dyn BenchRoutine> {
        (self.make)()
    }
}

impl fmt::Debug for DeclaredBench {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("DeclaredBench").field(&self.case).finish()
    }
}
