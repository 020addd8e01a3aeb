//! Which cases are asked for.

use std::collections::BTreeSet;

use anyhow::bail;

/// Names, beginnings of names, and patterns.
pub(crate) struct Selection<'p> {
    patterns: &'p [String],
}

impl<'p> Selection<'p> {
    pub(crate) fn new(patterns: &'p [String]) -> Self {
        Self { patterns }
    }

    /// Those of `names` that are asked for.
    ///
    /// # Errors
    /// When a pattern means none of them.
    pub(crate) fn of(&self, names: &[String]) -> anyhow::Result<BTreeSet<String>> {
        let mut selected = BTreeSet::new();
        for pattern in self.patterns {
            let found: Vec<_> = meant(pattern, names).cloned().collect();
            if found.is_empty() {
                bail!("there is no case `{pattern}`; there are {}", names.join(", "));
            }
            selected.extend(found);
        }
        if self.patterns.is_empty() {
            selected.extend(names.iter().cloned());
        }
        Ok(selected)
    }
}

/// A name that is there means itself, and not those that begin with it.
fn meant<'n>(pattern: &str, names: &'n [String]) -> impl Iterator<Item = &'n String> {
    let is_name = names.iter().any(|name| name == pattern);
    names.iter().filter(move |name| match (is_name, pattern.contains('*')) {
        (true, _) => *name == pattern,
        (false, true) => is_match(pattern, name),
        (false, false) => name.starts_with(pattern),
    })
}

/// Whether `text` is `pattern`, in which each `*` stands for any text.
fn is_match(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == text };
    let Some(rest) = text.strip_prefix(before) else { return false };
    let starts = rest.char_indices().map(|(start, _)| start).chain([rest.len()]);
    starts.into_iter().any(|start| is_match(after, &rest[start..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(patterns: &[&str], expected: &[&str]) {
        let names = ["growth/10", "growth/100", "iter", "iter_1m", "worlds"].map(str::to_owned);
        let patterns: Vec<_> = patterns.iter().map(|it| (*it).to_owned()).collect();
        let found = Selection::new(&patterns).of(&names).unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected, "{patterns:?}");
    }

    #[test]
    fn a_case_is_meant_by_its_name_its_beginning_or_a_pattern() {
        check(&[], &["growth/10", "growth/100", "iter", "iter_1m", "worlds"]);
        check(&["iter"], &["iter"]);
        check(&["ite"], &["iter", "iter_1m"]);
        check(&["worlds", "growth"], &["growth/10", "growth/100", "worlds"]);
        check(&["*1*"], &["growth/10", "growth/100", "iter_1m"]);
        check(&["g*0", "*m"], &["growth/10", "growth/100", "iter_1m"]);
    }

    #[test]
    fn what_means_no_case_is_an_error_that_names_all() {
        let names = ["iter".to_owned(), "worlds".to_owned()];
        for wrong in ["insert", "*x", "iter*r", "orlds"] {
            let error = Selection::new(&[wrong.to_owned()]).of(&names).unwrap_err().to_string();
            assert_eq!(error, format!("there is no case `{wrong}`; there are iter, worlds"));
        }
    }
}
