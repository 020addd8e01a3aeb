//! What a module keeps where no swap can carry it over: told once, and again when it has changed.

use std::collections::BTreeMap;

use keel_registry::ModuleStatus;

/// What was told of each module.
#[derive(Default)]
pub(crate) struct ToldStatics {
    modules: BTreeMap<String, Found>,
}

/// What one generation has.
#[derive(Clone, Default, PartialEq)]
struct Found {
    statics: Vec<String>,
    thread_locals: Option<Vec<String>>,
    threads: bool,
}

impl ToldStatics {
    /// A line for each list of statics or thread-locals, and for threads, that was not told yet.
    pub(crate) fn news(&mut self, modules: &[ModuleStatus]) -> Vec<String> {
        let mut lines = Vec::new();
        for ModuleStatus { name, statics, thread_locals, thread_local_names, threads, .. } in modules {
            let thread_locals = thread_locals.then(|| thread_local_names.clone());
            let found = Found { statics: statics.clone(), thread_locals, threads: *threads };
            let told = self.modules.insert(name.clone(), found.clone()).unwrap_or_default();
            if !found.statics.is_empty() && found.statics != told.statics {
                lines.push(format!(
                    "module `{name}` has statics that start afresh in each generation: {}; keep in its fields or in \
                     a resource what a swap must carry over",
                    found.statics.join(", ")
                ));
            }
            if let Some(names) =
                found.thread_locals.as_ref().filter(|_| found.thread_locals != told.thread_locals)
            {
                let names =
                    if names.is_empty() { "of a crate that it links".to_owned() } else { names.join(", ") };
                lines.push(format!(
                    "module `{name}` has thread-locals that start afresh in each generation: {names}; its old \
                     generations stay in memory"
                ));
            }
            if found.threads && !told.threads {
                lines.push(format!(
                    "module `{name}` starts threads of its own, which no swap ends; its old generations stay in memory. \
                     `frame.tasks` has what a swap can end"
                ));
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use keel::module::ModuleKind;
    use keel_registry::State;

    use super::*;

    fn status(statics: &[&str], thread_locals: &[&str]) -> ModuleStatus {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        ModuleStatus {
            name: "tide".to_owned(),
            kind: ModuleKind::ViewModel,
            version: "1.0.0".to_owned(),
            generation: 0,
            same_as: 0,
            library: std::path::PathBuf::new(),
            state: State::Live,
            views: Vec::new(),
            statics: owned(statics),
            thread_locals: !thread_locals.is_empty(),
            threads: false,
            thread_local_names: owned(thread_locals),
        }
    }

    #[test]
    fn statics_are_told_once_and_again_when_they_change() {
        let mut told = ToldStatics::default();
        let mut check = |statics: &[&str], thread_locals: &[&str], parts: &[&str]| {
            let lines = told.news(&[status(statics, thread_locals)]);
            assert_eq!(lines.len(), parts.len(), "{lines:?}");
            lines.iter().zip(parts).for_each(|(line, part)| assert!(line.contains(part), "{line}"));
        };
        let count = "module `tide` has statics that start afresh in each generation: tide::COUNT;";
        check(&[], &[], &[]);
        check(&["tide::COUNT"], &[], &[count]);
        check(&["tide::COUNT"], &[], &[]);
        check(
            &["tide::COUNT", "tide::SEEN"],
            &["tide::LAST"],
            &["COUNT, tide::SEEN;", "generation: tide::LAST;"],
        );
        check(&["tide::SEEN"], &["tide::LAST"], &["tide::SEEN;"]);
        check(&[], &[], &[]);
        check(&["tide::SEEN"], &[], &["tide::SEEN;"]);
    }

    #[test]
    fn threads_are_told_once() {
        let mut told = ToldStatics::default();
        let starting = ModuleStatus { threads: true, ..status(&[], &[]) };
        let starting = [starting];
        let lines = told.news(&starting);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("module `tide` starts threads of its own"), "{lines:?}");
        assert!(told.news(&starting).is_empty());
    }
}
