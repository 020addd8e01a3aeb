//! The guide's tables list exactly the calls of the views, and every call is tested through the loaded module.

use std::path::{Path, PathBuf};

/// Each area's view, and how many calls the design this comes from had.
const AREAS: [(&str, &str, usize); 8] = [
    ("component", "core/ecs", 14),
    ("entity", "core/ecs", 11),
    ("event", "core/ecs", 18),
    ("query", "core/ecs", 14),
    ("reflection", "core/ecs", 15),
    ("world", "core/ecs", 17),
    ("storage", "core/ecs", 17),
    ("system", "core/engine", 13),
];

fn read(path: impl AsRef<Path>) -> String {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names between `before` and `after` on the lines that have both.
fn names<'t>(text: &'t str, before: &str, after: &str) -> Vec<&'t str> {
    let names = text.lines().filter_map(|line| line.strip_prefix(before)?.split_once(after));
    names.map(|(name, _)| name).collect()
}

#[test]
fn the_guide_and_the_tests_have_every_call() {
    let guide = read("docs/guide/ecs.md");
    for (area, folder, calls_min) in AREAS {
        let view = read(format!("{folder}/src/view/{area}.rs"));
        let calls = names(&view, "    fn ", "(");
        assert!(calls.len() >= calls_min, "{area}: {} calls", calls.len());
        let (letter, rest) = area.split_at(1);
        let heading = format!("\n## {}{rest}View\n", letter.to_uppercase());
        let (_, section) = guide.split_once(&heading).unwrap();
        let section = section.split("\n## ").next().unwrap();
        assert_eq!(names(section, "| `", "`"), calls, "{area}: the guide's table");

        let tests = read(format!("core/ecs/tests/loaded/{area}.rs"));
        let missing = calls.iter().filter(|call| !tests.contains(&format!("().{call}(")));
        assert_eq!(missing.collect::<Vec<_>>(), Vec::<&&str>::new(), "{area}: calls without a test");
    }
}
