//! The last seconds run again: by which code, and what is told where that does not come to its end.

use crate::faults::{MODULE, SOURCE, start};
use crate::game::Game;

/// Whether this is the process that runs the last seconds again.
const IS_RETRY: &str = "std::env::args().any(|argument| argument == \"--replay\")";

fn updating(line: &str) -> String {
    MODULE.replace("/*update*/", line)
}

fn says(game: &Game, part: &str) -> bool {
    game.history().iter().any(|line| line.contains(part))
}

#[test]
fn the_last_seconds_are_run_by_what_is_live_and_what_goes_wrong_there_is_told() {
    let mut game = start();
    // What was refused is the newest copy, and no more than that.
    game.workspace.write(SOURCE, &updating("if self.steps < u64::MAX { panic!(\"no luck\") }"));
    game.wait_rejected("unlucky");
    game.command("retry 1");
    let line = game.wait("both outcomes", |event| event["event"] == "replayed");
    assert_eq!(line["world_hash"], line["outcome"]["world_hash_before"], "it was this code: {line}");
    assert!(!says(&game, "in the last seconds, run again"), "{line}");

    game.workspace.write(SOURCE, &updating(&format!("while {IS_RETRY} {{}}")));
    game.wait_swap("unlucky");
    game.command("retry 1");
    let told = game.wait_log("unlucky/update has not returned for");
    assert!(told.contains("and was ended, in frame") && told.contains(SOURCE), "{told}");
    game.assert_goes_on();

    game.workspace.write(SOURCE, &updating(&format!("if {IS_RETRY} {{ std::process::abort() }}")));
    game.wait_swap("unlucky");
    let output = game.workspace.keel(&["retry", "1s"]);
    let told = crate::workspace::text(&output);
    assert!(told.contains("unlucky/update has ended the engine in frame"), "{told}");
    assert!(told.contains("abort") && told.contains(SOURCE), "{told}");
    assert_eq!(output.status.code(), Some(1), "{told}");
    game.assert_goes_on();
    game.quit();
}

#[test]
fn one_retry_is_run_at_a_time_and_who_asks_too_soon_is_told() {
    let mut game = Game::start();
    (0..2).for_each(|_| drop(game.stats()));
    // The second one comes before the first has its recording, which it would be written over.
    game.command("retry 1\nretry 2");
    game.wait_log("another retry is still under way; ask again when it has ended");
    game.wait("both outcomes", |event| event["event"] == "replayed");
    // Each answer is the end of one, so that the next can be asked for at once.
    for _ in 0..3 {
        let output = game.workspace.keel(&["retry", "1s"]);
        assert!(output.status.success(), "{}", crate::workspace::text(&output));
    }
    // What was told before this is read then.
    game.save_file();
    let replayed = game.history().iter().filter(|line| line.contains("\"event\":\"replayed\"")).count();
    assert_eq!(replayed, 4, "the one that was refused has not run");
    game.quit();
}
