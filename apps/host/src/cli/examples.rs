//! What each command's help shows at its end. Each example is a command line that `keel` takes; two spaces or more part
//! it from what it is for, which may stand on the next line.

pub(super) const KEEL: &str = "\
Examples:
  keel                              play; the same as `keel run`
  keel run                          play; edit a crate under systems/ and save it
  keel run --headless --json        no terminal; one JSON object a line
  keel run --headless --frames 600 --fps 0
                                    600 frames as fast as they go
  keel check                        do the modules fit together?
  keel new system weather           a new module, ready to be edited

Exit codes:
  0  all went well, or you ended it; `snapshot diff`: the snapshots are the same; `replay`: the same came of it
  1  something went wrong; also when the first build of `run --frames N` or of `run --no-watch` fails;
     `snapshot diff`: the snapshots differ; `replay`: something else came of it
  2  the command line makes no sense; `snapshot diff`, `replay`: the file can't be read
  3  the modules don't fit together, or one was refused: by `check`, by `rollback`, or at the start of
     `run --frames N` and is not live at the end
  4  the engine process ended by itself, again and again; or once, in a run of so many frames (`--frames N`)";

pub(super) const RUN: &str = "\
Examples:
  keel run                          play, with reload
  keel run --fps 30 --seed 7        slower, and another game
  keel run --json --frames 600 --fps 0
                                    600 frames as fast as they go, told as JSON
  keel run --no-watch               reload by the key `r` only
  keel run --limit entities=100000  a module that spawns more is stopped
  keel run --memory 4G              what takes more is ended, and the game goes on with the code before
  keel run --record game.keellog    record it, for `keel replay`
  keel run --retry 5                after each swap, show what the new code makes of the last 5 seconds
  keel run --probation off          a panic suspends its module, also right after a swap
  keel run --ring 20                go back further than four generations of a module
  keel run --from game.keel --save-to game.keel
                                    go on with a saved game, and save it at the end
  keel run --resume                 go on with a run that was killed";

pub(super) const BUILD: &str = "\
Examples:
  keel build                        all modules
  keel build shoal-swim             one of them
  keel build --json shoal-swim      its library's path, or the compiler's errors, as JSON";

pub(super) const MODULES: &str = "\
Examples:
  keel modules                      a table
  keel modules --json               a list of objects";

pub(super) const CHECK: &str = "\
Examples:
  keel check                        builds all modules and looks at each library
  keel check --json                 the same as one object";

pub(super) const REPLAY: &str = "\
Examples:
  keel replay game.keellog          what `keel run --record game.keellog` has recorded
  keel replay --threads 4 --json game.keellog
                                    on four threads; the answer as one object";

pub(super) const REWIND: &str = "\
Examples:
  keel rewind 5s                    the running game goes on from where it was five seconds ago
  keel rewind 0.5                   half a second

Exit codes: 0 it has gone back, 1 no game is running or it can't be asked, 3 it was refused";

pub(super) const RETRY: &str = "\
Examples:
  keel retry 5s                     the last five seconds with the code that is live; the running game goes on beside it

Exit codes: 0 both outcomes are told, 1 no game is running, or they could not be run again";

pub(super) const ROLLBACK: &str = "\
Examples:
  keel rollback shoal-swim          what it ran before; once more for what it ran before that
  keel rollback shoal-swim --to 3   its generation 3
  keel rollback shoal-swim --accept-loss
                                    though the older code has no place for a field that came since

Exit codes: 0 it is put back, 1 no game is running or it can't be asked, 3 it was refused";

pub(super) const SNAPSHOT: &str = "\
Examples:
  keel snapshot save game.keel      the game after 60 frames
  keel snapshot show game.keel      all values in it
  keel snapshot diff before.keel after.keel
                                    what differs";

pub(super) const SNAPSHOT_SAVE: &str = "\
Examples:
  keel snapshot save game.keel      after 60 frames
  keel snapshot save --frames 600 --seed 7 game.keel
                                    after 600 frames of another game
  keel snapshot save --json game.keel
                                    what was saved, as JSON";

pub(super) const SNAPSHOT_SHOW: &str = "\
Examples:
  keel snapshot show game.keel      one value a line
  keel snapshot show --json game.keel
                                    one object";

pub(super) const SNAPSHOT_DIFF: &str = "\
Examples:
  keel snapshot diff before.keel after.keel
                                    lines with - and +; exit status 1 if there are any
  keel snapshot diff --json before.keel after.keel
                                    one object";

pub(super) const NEW: &str = "\
Examples:
  keel new system weather           systems/weather, ready to be edited";

pub(super) const NEW_SYSTEM: &str = "\
Examples:
  keel new system weather           systems/weather, with one system and its test
  keel new system night-watch       a name of two words";

pub(super) const BENCH: &str = "\
Examples:
  keel bench swap --quick           a look within a minute
  keel bench soak --swaps 1000      memory over 1,000 swaps
  keel bench ecs --quick            the world against other engines";

pub(super) const BENCH_SWAP: &str = "\
Examples:
  keel bench swap                   all figures; takes minutes
  keel bench swap --quick           a look within a minute
  keel bench swap --json swap.json  the figures as JSON, too
  keel bench swap --quick --edits 50 --entities 10000 --swaps 100
                                    mostly edits";

pub(super) const BENCH_SOAK: &str = "\
Examples:
  keel bench soak                   10,000 swaps
  keel bench soak --swaps 1000 --every 100 --json soak.json
                                    1,000, with a row for each 100, as JSON, too";

pub(super) const BENCH_ECS: &str = "\
Examples:
  keel bench ecs                    all cases, against all engines; takes minutes
  keel bench ecs --quick --against none
                                    Keel alone, within a minute
  keel bench ecs --case simple_iter --case growth --against bevy
                                    some cases, against one engine
  keel bench ecs --json ecs.json --html ecs.html
                                    the figures as JSON and as a page with plots, too
  keel bench ecs --list             which cases there are, and how they are written";

pub(super) const ENGINE: &str = "\
Examples:
  keel run                          starts it";

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use crate::cli::Cli;

    /// Calls `check` for each command, those that are hidden too, with the words that lead to it.
    fn walk(command: &clap::Command, path: &[&str], check: &mut impl FnMut(&clap::Command, &[&str])) {
        check(command, path);
        for below in command.get_subcommands() {
            walk(below, &[path, &[below.get_name()]].concat(), check);
        }
    }

    /// The command lines after `Examples:`.
    fn examples(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let part = help.split_once("Examples:\n").map_or("", |(_, part)| part);
        let lines = part.lines().take_while(|line| !line.is_empty());
        let commands =
            lines.filter_map(|line| line.strip_prefix("  ")).filter(|line| line.starts_with("keel "));
        commands.map(|line| line.split("  ").next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn every_command_has_examples_and_each_of_them_parses_as_that_command() {
        let mut seen = Vec::new();
        walk(&Cli::command(), &[], &mut |command, path| {
            let examples = examples(command);
            assert!(!examples.is_empty(), "`keel {}` has no examples", path.join(" "));
            for example in &examples {
                let words: Vec<&str> = example.split(' ').collect();
                if let Err(error) = Cli::try_parse_from(&words) {
                    panic!("`{example}`: {error}");
                }
                let is_about_it = command.is_hide_set() || words[1..].starts_with(path);
                assert!(is_about_it, "`{example}` is no example of `keel {}`", path.join(" "));
            }
            seen.push(path.join(" "));
        });
        assert!(seen.len() >= 15 && seen.contains(&"snapshot diff".to_owned()), "{seen:?}");
    }

    #[test]
    fn the_help_says_what_happens_without_a_command() {
        let help = Cli::command().render_help().to_string();
        for text in [
            "Without a command it starts the game, as `keel run` does\n",
            "Usage: keel              start the game, as `keel run` does\n       keel <COMMAND>\n",
        ] {
            assert!(help.contains(text), "{help}");
        }
        let below = Cli::try_parse_from(["keel", "help", "build"]).err().expect("help").to_string();
        assert!(below.contains("Usage: keel build"), "{below}");
    }

    #[test]
    fn what_is_no_example_is_seen() {
        let command = |help: &'static str| clap::Command::new("x").after_help(help);
        assert_eq!(examples(&command("Exit codes:\n  keel run")), Vec::<String>::new());
        let help = "Examples:\n  keel run --fps 5   slow\n  keel check\n        why\n\nMore:\n  keel no";
        assert_eq!(examples(&command(help)), ["keel run --fps 5", "keel check"]);
    }

    #[test]
    fn the_parser_itself_is_sound() {
        Cli::command().debug_assert();
    }
}
