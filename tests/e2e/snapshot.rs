//! What is in a saved game, as `keel snapshot` prints it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::workspace::{Workspace, text};

/// Each value by what it belongs to, such as `entity 7v1 Position`, `resource Tide`, `module shoal-swim`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Values(pub(crate) BTreeMap<String, String>);

impl Values {
    /// Reads a file with `keel snapshot show`.
    #[track_caller]
    pub(crate) fn of(workspace: &Workspace, file: &Path) -> Self {
        Self::of_lines(workspace, file, |_| true)
    }

    /// Reads those lines of it that `is_wanted`.
    #[track_caller]
    pub(crate) fn of_lines(workspace: &Workspace, file: &Path, is_wanted: impl Fn(&str) -> bool) -> Self {
        let output = workspace.keel(&["snapshot", "show", file.to_str().unwrap()]);
        assert!(output.status.success(), "{}", text(&output));
        let shown = String::from_utf8(output.stdout).unwrap();
        let line = |line: &str| {
            let words = match line.split(' ').next() {
                Some("entity" | "event") => 3,
                _ => 2,
            };
            let what = line.splitn(words + 1, ' ').take(words).collect::<Vec<_>>().join(" ");
            let value = line[what.len()..].trim().to_owned();
            (what, value)
        };
        Self(shown.lines().filter(|line| is_wanted(line)).map(line).collect())
    }

    /// The value of one thing.
    #[track_caller]
    pub(crate) fn get(&self, what: &str) -> &str {
        self.0.get(what).unwrap_or_else(|| panic!("there is no {what:?}"))
    }

    /// All values of a component, by entity.
    pub(crate) fn of_component(&self, name: &str) -> Vec<&str> {
        let ending = format!(" {name}");
        let found = self.0.iter().filter(|(what, _)| what.starts_with("entity ") && what.ends_with(&ending));
        found.map(|(_, value)| value.as_str()).collect()
    }

    /// The same values after `change` of those of one component.
    pub(crate) fn with(&self, component: &str, change: impl Fn(&str) -> String) -> Self {
        let ending = format!(" {component}");
        let changed = |(what, value): (&String, &String)| {
            let is_it = what.starts_with("entity ") && what.ends_with(&ending);
            (what.clone(), if is_it { change(value) } else { value.clone() })
        };
        Self(self.0.iter().map(changed).collect())
    }

    /// Fails with what differs, and not with ten thousand lines.
    #[track_caller]
    pub(crate) fn assert_same(&self, other: &Self) {
        let keys = self.0.keys().chain(other.0.keys().filter(|what| !self.0.contains_key(*what)));
        let differs = keys.filter(|what| self.0.get(*what) != other.0.get(*what));
        let lines = differs.map(|what| format!("{what}: {:?} != {:?}", self.0.get(what), other.0.get(what)));
        let lines: Vec<_> = lines.take(20).collect();
        assert!(lines.is_empty(), "saved games differ:\n{}", lines.join("\n"));
    }
}
