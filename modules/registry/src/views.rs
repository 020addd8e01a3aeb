//! The binding as the engine sees it.

use std::sync::Arc;

use keel_binding::Binding;
use keel_core_types::ViewSource;
use keel_engine::PinViews;

/// Lends an engine the views that are bound, one picture for each frame.
pub struct BoundViews {
    binding: Arc<Binding>,
}

impl BoundViews {
    /// The views of `binding`.
    pub fn new(binding: &Arc<Binding>) -> Self {
        Self { binding: Arc::clone(binding) }
    }
}

impl PinViews for BoundViews {
    fn pin(&self) -> Box<dyn ViewSource + '_> {
        Box::new(self.binding.pin())
    }
}
