//! What a module keeps where no swap can carry it over: told once, and again when it has changed.

use std::collections::BTreeMap;

use keel_registry::ModuleStatus;

/// What was told of each module.
#[derive(Default)]
pub(crate) struct ToldStatics {
    modules: BTreeMap<String, (Vec<String>, bool)>,
}

impl ToldStatics {
    /// A line for each module that has statics or thread-locals which were not told of it yet.
    pub(crate) fn news(&mut self, modules: &[ModuleStatus]) -> Vec<String> {
        let mut lines = Vec::new();
        for ModuleStatus { name, statics, thread_locals, .. } in modules {
            let found = (statics.clone(), *thread_locals);
            if self.modules.get(name) == Some(&found) {
                continue;
            }
            if !statics.is_empty() {
                lines.push(format!(
                    "module `{name}` has statics that start afresh in each generation: {}; keep in its fields or in \
                     a resource what a swap must carry over",
                    statics.join(", ")
                ));
            }
            let told_before = self.modules.get(name).is_some_and(|(_, thread_locals)| *thread_locals);
            if *thread_locals && !told_before {
                lines.push(format!(
                    "module `{name}` has thread-locals: they start afresh in each generation, and its old generations \
                     stay in memory"
                ));
            }
            self.modules.insert(name.clone(), found);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use keel::module::ModuleKind;
    use keel_registry::State;

    use super::*;

    fn status(statics: &[&str], thread_locals: bool) -> ModuleStatus {
        ModuleStatus {
            name: "tide".to_owned(),
            kind: ModuleKind::ViewModel,
            version: "1.0.0".to_owned(),
            generation: 0,
            state: State::Live,
            views: 0,
            statics: statics.iter().map(|name| (*name).to_owned()).collect(),
            thread_locals,
        }
    }

    #[test]
    fn statics_are_told_once_and_again_when_they_change() {
        let mut told = ToldStatics::default();
        let mut check = |statics: &[&str], thread_locals, parts: &[&str]| {
            let lines = told.news(&[status(statics, thread_locals)]);
            assert_eq!(lines.len(), parts.len(), "{lines:?}");
            lines.iter().zip(parts).for_each(|(line, part)| assert!(line.contains(part), "{line}"));
        };
        check(&[], false, &[]);
        check(
            &["tide::COUNT"],
            false,
            &["module `tide` has statics that start afresh in each generation: tide::COUNT;"],
        );
        check(&["tide::COUNT"], false, &[]);
        check(&["tide::COUNT", "tide::SEEN"], true, &["tide::COUNT, tide::SEEN;", "has thread-locals"]);
        check(&["tide::SEEN"], true, &["tide::SEEN;"]);
        check(&[], false, &[]);
        check(&["tide::SEEN"], false, &["tide::SEEN;"]);
    }
}
