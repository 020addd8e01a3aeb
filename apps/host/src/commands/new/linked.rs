//! The list of the modules that `cargo keel-static` links in, which stands in a manifest.

use std::fs;
use std::path::Path;

use anyhow::Context;

/// Where the list is, from the workspace's root.
const MANIFEST: &str = "apps/static/Cargo.toml";

/// The section that it is in.
const SECTION: &str = "[target.'cfg(keel_static)'.dependencies]";

/// What the entries of modules have in common.
const SYSTEMS: &str = "path = \"../../systems/";

/// The manifest with a module added; `None` in a workspace that has no such manifest.
pub(super) fn manifest_with(root: &Path, name: &str) -> anyhow::Result<Option<String>> {
    let file = root.join(MANIFEST);
    match fs::read_to_string(&file) {
        Ok(text) => with_module(&text, name).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} can't be read", file.display())),
    }
}

/// Puts the manifest in place as a whole: a cargo that runs just now reads the old one or the new one.
pub(super) fn write(root: &Path, text: &str) -> anyhow::Result<()> {
    keel::state::write_file(&root.join(MANIFEST), text.as_bytes())
        .context("the module could not be added to the one binary's manifest")
}

/// Only one line is added, so that all else stays as its author wrote it: comments, order, spaces.
fn with_module(manifest: &str, name: &str) -> anyhow::Result<String> {
    let entry = format!("{name} = {{ {SYSTEMS}{name}\" }}");
    let lines: Vec<_> = manifest.lines().collect();
    let head = lines.iter().position(|line| line.trim() == SECTION).with_context(|| {
        format!(
            "{MANIFEST} has no section `{SECTION}`; add it, so that `cargo keel-static` links `{name}` in"
        )
    })?;
    let begin = head + 1;
    let length = lines[begin..]
        .iter()
        .position(|line| line.trim_start().starts_with('['))
        .unwrap_or(lines.len() - begin);
    let section = &lines[begin..begin + length];
    if section.iter().any(|line| key(line) == Some(name)) {
        return Ok(manifest.to_owned());
    }
    let systems = || section.iter().enumerate().filter(|(_, line)| line.contains(SYSTEMS));
    let next = systems().find(|(_, line)| key(line).is_some_and(|key| key > name));
    let last = || {
        systems()
            .next_back()
            .or_else(|| section.iter().enumerate().rfind(|(_, line)| !line.trim().is_empty()))
    };
    let at = match next {
        Some((index, _)) => begin + index,
        None => begin + last().map_or(0, |(index, _)| index + 1),
    };
    let (before, after) = lines.split_at(at);
    let all = before.iter().copied().chain([entry.as_str()]).chain(after.iter().copied());
    Ok(all.map(|line| format!("{line}\n")).collect())
}

fn key(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let end = line.find(['=', '.', ' '])?;
    (!line.starts_with('#')).then(|| line[..end].trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "[package]\nname = \"keel-static\"\n\n# Written down here.\n\
        [target.'cfg(keel_static)'.dependencies]\nanyhow = \"1\"\nzstd = \"1\"\n\
        console = { path = \"../../systems/console\" }\n# The game.\n\
        shoal-model-module = { path = \"../../systems/shoal-model/module\" }\n\n[lints]\nworkspace = true\n";

    #[track_caller]
    fn check(name: &str, after: &str) {
        let line = format!("{name} = {{ path = \"../../systems/{name}\" }}\n");
        let at = BEFORE.find(after).unwrap() + after.len();
        let expected = [&BEFORE[..at], &line, &BEFORE[at..]].concat();
        let text = with_module(BEFORE, name).unwrap();
        assert_eq!(text, expected);
        assert_eq!(with_module(&text, name).unwrap(), text, "it is there once");
    }

    #[test]
    fn a_module_gets_its_line_among_those_that_are_there() {
        check("weather", "systems/shoal-model/module\" }\n");
        check("night-watch", "# The game.\n");
        check("boat", "zstd = \"1\"\n");
    }

    #[test]
    fn the_first_module_comes_after_all_else() {
        let text =
            with_module("[target.'cfg(keel_static)'.dependencies]\nanyhow = \"1\"\n\n[lints]\n", "boat");
        let expected = "[target.'cfg(keel_static)'.dependencies]\nanyhow = \"1\"\n\
            boat = { path = \"../../systems/boat\" }\n\n[lints]\n";
        assert_eq!(text.unwrap(), expected);
    }

    #[test]
    fn a_manifest_without_the_section_is_told_and_left_alone() {
        let error = with_module("[package]\n", "boat").unwrap_err().to_string();
        assert!(
            error.contains("apps/static/Cargo.toml has no section") && error.contains("; add it"),
            "{error}"
        );
    }
}
