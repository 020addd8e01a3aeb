//! Benchmark cases of a module, and what was prepared for one: code of its library, which they keep mapped.

use std::any::Any;
use std::sync::Arc;

use keel_engine::contain;
use keel_module_types::{BenchCase, BenchRoutine, DeclaredBench};

/// A benchmark case of a module.
pub struct LoadedBench {
    declared: DeclaredBench,
    // Dropped last: the above is code of it.
    library: Arc<dyn Any + Send + Sync>,
}

/// A case that is ready to run.
pub struct PreparedBench {
    routine: Box<dyn BenchRoutine>,
    // Dropped last: the above is code of it.
    _library: Arc<dyn Any + Send + Sync>,
}

impl LoadedBench {
    pub(crate) fn new(declared: DeclaredBench, library: Arc<dyn Any + Send + Sync>) -> Self {
        Self { declared, library }
    }

    /// What it is.
    pub fn case(&self) -> &BenchCase {
        self.declared.case()
    }

    /// Prepares it.
    ///
    /// # Errors
    /// What a panic of the module's code says.
    pub fn prepare(&self) -> Result<PreparedBench, String> {
        let routine = contain(|| self.declared.prepare())?;
        Ok(PreparedBench { routine, _library: Arc::clone(&self.library) })
    }
}

impl PreparedBench {
    /// Runs so many iterations.
    ///
    /// # Errors
    /// What a panic of the module's code says; what was prepared is of no use then.
    pub fn run(&mut self, iterations: u64) -> Result<(), String> {
        contain(|| self.routine.run(iterations))
    }

    /// What the iterations so far have computed, where it can be compared.
    ///
    /// # Errors
    /// What a panic of the module's code says.
    pub fn checksum(&mut self) -> Result<Option<f64>, String> {
        contain(|| self.routine.checksum())
    }
}
