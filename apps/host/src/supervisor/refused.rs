//! A workspace that was refused while the game runs: the modules that its conflicts name go on as they are.

use std::collections::BTreeSet;

use keel_builder::{BuildReport, BuildRequest};
use keel_resolver::ReadError;

use super::{Purpose, Supervisor};
use crate::refusal::with_causes;

/// What is wrong with the workspace as it is now; the one before it is gone on with.
pub(super) struct Refused {
    message: String,
    /// Whether it was told for what is being done now.
    is_just_told: bool,
    /// The modules that its conflicts name: cargo would build them all the same.
    named: BTreeSet<String>,
    /// Those of them that were to be built since.
    held: BTreeSet<String>,
}

impl Supervisor {
    /// Takes in that the workspace is refused. It is told if it was not, and again where somebody `is_asking`: by a
    /// manifest that was saved, or by a command.
    pub(super) fn refuse_workspace(&mut self, error: &ReadError, is_asking: bool) {
        let message = with_causes(error);
        let before = self.refused.take();
        let is_just_told = is_asking || before.as_ref().is_none_or(|before| before.message != message);
        if is_just_told {
            self.tell_conflicts(error);
        }
        let named = match error {
            ReadError::Conflicts(errors) => self.workspace.named_in(errors),
            _ => Vec::new(),
        };
        let named = named.iter().filter_map(|id| self.workspace.module(*id));
        let named = named.map(|module| module.name.clone()).collect();
        let held = before.map(|before| before.held).unwrap_or_default();
        self.refused = Some(Refused { message, is_just_told, named, held });
    }

    /// Takes out what must not be built before the workspace is mended.
    pub(super) fn hold_back(&mut self, requests: &mut Vec<BuildRequest>) {
        let Some(refused) = self.refused_for_swap() else { return };
        let held: Vec<_> =
            requests.extract_if(.., |request| refused.named.contains(&request.package)).collect();
        let names: Vec<_> = held.into_iter().map(|request| request.package).collect();
        let is_just_told = refused.is_just_told;
        refused.held.extend(names.iter().cloned());
        if !names.is_empty() && !is_just_told {
            let names = names.join(", ");
            self.log(
                "warn",
                format!("{names}: not built, as the workspace was refused; mend first what was told of it"),
            );
        }
    }

    /// Takes out what was built while the workspace was refused: nobody knows whether before or after that.
    pub(super) fn hold_back_built(&mut self, report: &mut BuildReport) {
        let Some(refused) = self.refused_for_swap() else { return };
        let held = report.artifacts.extract_if(.., |artifact| refused.named.contains(&artifact.package));
        refused.held.extend(held.map(|artifact| artifact.package));
    }

    /// The workspace fits again. Returns the modules that are still to be built.
    pub(super) fn release_held(&mut self) -> BTreeSet<String> {
        self.refused.take().map(|refused| refused.held).unwrap_or_default()
    }

    /// What was told was told for a change that has been dealt with.
    pub(super) fn refusal_is_known(&mut self) {
        if let Some(refused) = &mut self.refused {
            refused.is_just_told = false;
        }
    }

    /// A new engine needs all modules; the host's build script looks at the manifests for it.
    fn refused_for_swap(&mut self) -> Option<&mut Refused> {
        self.refused.as_mut().filter(|_| matches!(self.purpose, Purpose::Swap))
    }
}
