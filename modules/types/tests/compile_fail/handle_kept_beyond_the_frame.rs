//! A view that is kept beyond its frame.

use keel::console::PictureView;
use keel::prelude::*;

#[data]
#[derive(Default)]
struct Swim {
    #[keel(skip)]
    view: Option<&'static dyn PictureView>,
}

#[view_model]
impl ViewModel for Swim {
    fn register(&mut self, _setup: &mut Setup) -> ModuleResult {
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        self.view = Some(frame.views.get::<dyn PictureView>()?);
        Ok(())
    }
}

fn main() {}
