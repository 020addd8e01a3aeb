//! Each reason for which a module is refused has its page in `docs/errors`, and each page is about something that
//! can be met.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use keel_registry::Code;

/// Pages that are about no code.
const OTHER_PAGES: [&str; 4] = ["README", "host", "running", "snapshots"];

/// What a page about a code tells, in this order.
const HEADINGS: [&str; 4] = ["## What it says", "## Why it happens", "## Example", "## What to do"];

/// Texts of errors without a next step, which whatever fills them has, or which are reasons within another text.
const NO_STEP: [&str; 12] = [
    "{message}",
    "{}",
    "{path} is no Keel module: {source}",
    "{}: {key}: {problem}",
    "the value was refused: {0}",
    "{holders} of its objects are still held",
    "it has thread-local storage",
    "it starts threads of its own",
    "it is linked in",
    "the system would not close it: {0}",
    "`{path}`: {reason}",
    "`{path}` failed: {message}",
];

#[test]
fn every_code_has_its_page_and_every_page_its_code() {
    let codes = codes();
    let known: BTreeSet<String> = codes.iter().cloned().chain(OTHER_PAGES.map(str::to_owned)).collect();
    check("codes without a page, pages without a code", known.symmetric_difference(&pages()).cloned());
}

#[test]
fn every_page_tells_what_why_and_what_to_do() {
    let is_wrong = |code: &String| {
        let page = read(&page(code));
        let mut rest = page.as_str();
        let mut is_next = |heading: &str| match rest.split_once(heading) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        };
        !page.starts_with(&format!("# {code}\n")) || !HEADINGS.iter().all(|heading| is_next(heading))
    };
    check("pages without their headings", codes().into_iter().filter(is_wrong));
}

#[test]
fn the_index_links_every_page() {
    let index = read(&page("README"));
    let is_missing = |name: &String| name != "README" && !index.contains(&format!("({name}.md)"));
    check("pages that the index lacks", pages().into_iter().filter(is_missing));
}

#[test]
fn every_conflict_of_the_resolver_is_told() {
    let kinds = variants(&read(&root().join("modules/resolver/src/conflict.rs")), "pub enum Conflict {");
    assert!(kinds.len() > 5, "the enum was not found: {kinds:?}");
    let page = read(&page("conflict"));
    let told = page.lines().filter_map(|line| line.strip_prefix("### ")).map(str::to_owned).collect();
    check("kinds of conflict", kinds.symmetric_difference(&told).cloned());
}

/// A text parts what is wrong from the next step by a semicolon or a new line.
#[test]
fn every_error_says_a_next_step() {
    let sources = ["core", "modules", "systems", "apps"].map(|folder| root().join(folder));
    let texts: Vec<String> = sources
        .iter()
        .flat_map(|folder| sources_below(folder))
        .flat_map(|file| error_texts(&read(&file)))
        .collect();
    assert!(texts.len() > 80, "only {} texts were found", texts.len());
    let lacks_one =
        |text: &String| !text.contains("; ") && !text.contains("\\n") && !NO_STEP.contains(&text.as_str());
    check("errors without a next step", texts.iter().filter(|text| lacks_one(text)).cloned());
    check(
        "exceptions that nobody needs",
        NO_STEP.iter().filter(|it| !texts.iter().any(|text| text == *it)).map(|it| (*it).to_owned()),
    );
}

#[test]
fn the_checks_see_what_they_look_for() {
    let source = "pub enum Conflict {\n    /// Doc.\n    #[error(\n        \"text\"\n    )]\n    SameName {\n        \
                  name: String,\n    },\n    SameId(#[from] IdCollision),\n}\n    NotThis,\n";
    let expected = ["same-id", "same-name"].map(str::to_owned).into();
    assert_eq!(variants(source, "pub enum Conflict {"), expected);
    assert!(codes().contains("compile-error"));
    let source = "#[error(\"one\")]\n#[error(\n    \"two \\\"and\\\" \\\n     more; {}\", x(y)\n)]\n#[error(transparent)]\nnone";
    assert_eq!(error_texts(source), ["one", "two \\\"and\\\" more; {}"]);
}

/// All codes, as JSON spells them. `Code` can't be iterated, but what can't be read as one is refused with the list of
/// those that can.
fn codes() -> BTreeSet<String> {
    let refused = serde_json::from_str::<Code>("\"-\"").unwrap_err().to_string();
    let listed = refused.split("expected one of").nth(1).unwrap_or_default();
    let codes: BTreeSet<String> = listed.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(
        codes.iter().all(|code| serde_json::from_str::<Code>(&format!("\"{code}\"")).is_ok()),
        "{refused}"
    );
    codes
}

/// The variants of an enum in rustfmt's style, in kebab case.
fn variants(source: &str, head: &str) -> BTreeSet<String> {
    let body = source.split_once(head).map_or("", |(_, body)| body);
    let body = body.split("\n}").next().unwrap_or_default();
    let names = body.lines().filter_map(|line| {
        let line = line.strip_prefix("    ")?;
        line.starts_with(|first: char| first.is_ascii_uppercase())
            .then(|| line.split(|letter: char| !letter.is_ascii_alphanumeric()).next().unwrap_or_default())
    });
    names.map(kebab).collect()
}

fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for (index, letter) in name.chars().enumerate() {
        if index > 0 && letter.is_ascii_uppercase() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}

/// The texts of `#[error("...")]` as they are written, without the breaks of lines.
fn error_texts(source: &str) -> Vec<String> {
    let texts = source.split("#[error(").skip(1).filter_map(|rest| {
        let text = rest.trim_start().strip_prefix('"')?;
        let is_end = |(at, letter): &(usize, char)| *letter == '"' && !text[..*at].ends_with('\\');
        let (end, _) = text.char_indices().find(is_end)?;
        Some(text[..end].split("\\\n").map(|line| line.trim_start()).collect::<String>())
    });
    texts.collect()
}

/// The sources of all crates below a folder, not those of their tests.
fn sources_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_source =
        |path: &Path| path.extension().is_some_and(|it| it == "rs") && path.iter().any(|it| it == "src");
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| sources_below(folder));
    files.into_iter().filter(|path| is_source(path)).chain(below).collect()
}

fn pages() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("docs/errors")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter_map(|name| name.strip_suffix(".md").map(str::to_owned)).collect()
}

/// Fails with all that is wrong at once.
#[track_caller]
fn check(rule: &str, wrong: impl IntoIterator<Item = String>) {
    let wrong: Vec<_> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "{rule}: {}", wrong.join(", "));
}

fn page(name: &str) -> PathBuf {
    root().join("docs/errors").join(format!("{name}.md"))
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
