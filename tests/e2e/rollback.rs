//! Going back to what a module ran before: after a panic soon after its swap, and by hand from another terminal.

use serde_json::Value;

use crate::data::{DEPENDENTS, FISH, trail_with, wait_all};
use crate::faults::{MODULE, SOURCE, fixed, start_with, steps};
use crate::game::{Game, list};
use crate::workspace::text;

/// The module, panicking in update once it has run for so many steps since this code was live.
fn panicking_after(count: u64, items: &str) -> String {
    let line = format!(
        "let since = *SINCE.get_or_init(|| self.steps);
         if self.steps >= since + {count} {{ panic!(\"no luck after {count} steps\") }}"
    );
    let since = "static SINCE: std::sync::OnceLock<u64> = std::sync::OnceLock::new();";
    format!("{}\n{since}\n{items}\n", MODULE.replace("/*update*/", &line))
}

#[track_caller]
fn wait_rolled_back(game: &mut Game) -> Value {
    game.wait("a rollback", |event| event["event"] == "rolled_back")
}

/// The hash that the world of the plain game has after so many steps, which a module without entities does not change.
pub(crate) fn hash_of_the_plain_game(game: &Game, steps: u64) -> String {
    let frames = steps.to_string();
    let run = ["run", "--headless", "--json", "--no-watch", "--fps", "0", "--frames", &frames];
    let output = game.workspace.keel(&run);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let mut events = stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let last = events.rfind(|event| event["event"] == "stats").unwrap();
    assert_eq!(last["step"], steps);
    last["world_hash"].as_str().unwrap().to_owned()
}

#[test]
fn what_panics_soon_after_its_swap_is_taken_back_with_the_world() {
    let mut game = start_with(&["--trial", "off"]);
    let drop =
        "impl Drop for Unlucky { fn drop(&mut self) { if SINCE.get().is_some() { panic!(\"dropped\") } } }";
    let unsaved =
        panicking_after(60, "").replace("/*save_state*/", "if self.steps > 0 { panic!(\"unsaved\") }");
    // In the first frame, after three seconds, after one in which it could not be saved, and when it goes, too.
    let sources = [panicking_after(0, ""), panicking_after(180, ""), unsaved, panicking_after(1, drop)];
    let mut generation = 1;
    for source in sources {
        let before = steps(&mut game);
        game.workspace.write(SOURCE, &source);
        assert_eq!(game.wait_swap("unlucky").line["generation"], generation + 1);
        let fault = game.wait_fault("unlucky");
        assert_eq!(fault["suspended"], false, "{fault}");
        let told = wait_rolled_back(&mut game);
        let put_back = &told["modules"][0];
        assert_eq!((&told["module"], &put_back["name"]), (&"unlucky".into(), &"unlucky".into()));
        assert_eq!((&put_back["from"], &put_back["to"]), (&(generation + 1).into(), &1.into()));
        assert_eq!(put_back["generation"], generation + 2);
        let lost = told["frames_lost"].as_u64().unwrap();
        // Those since the swap, or since the newest game before it: how often one is saved depends on what that costs here.
        assert!((1..=600).contains(&lost), "{told}");
        assert!(
            told["fault"].as_str().unwrap().contains("unlucky/update panicked at systems/unlucky"),
            "{told}"
        );
        game.assert_goes_on();
        assert!(steps(&mut game) > before, "the old code runs on");
        generation += 2;
    }
    // What else is built leaves it where it is.
    game.command("reload shoal-view");
    assert_eq!(game.wait_swap("shoal-view").line["module"], "shoal-view");
    crate::keys::check_events(&game, &["fault", "rolled_back"]);
    game.pause();
    let still = game.still();
    assert_eq!(still.hash, hash_of_the_plain_game(&game, still.step), "nothing of it is left in the world");
    // A mended one is swapped as always, and one that panics late is suspended alone: well after the five seconds, since a
    // game that was held up makes up for it with more steps a second.
    game.pause();
    game.workspace.write(SOURCE, &panicking_after(480, ""));
    game.wait_swap("unlucky");
    // What the one that was put back holds is let go of at the next swap.
    let dropped = game.wait_fault("unlucky");
    assert_eq!(dropped["system"], "drop", "{dropped}");
    let late = game.wait_fault("unlucky");
    assert_eq!((&late["system"], &late["suspended"]), (&"update".into(), &true.into()), "{late}");
    game.workspace.write(SOURCE, &fixed(1));
    game.wait_swap("unlucky");
    game.assert_goes_on();
    game.quit();
}

/// `keel rollback unlucky ARGUMENTS`: its exit code and what it printed.
fn roll_back(game: &Game, arguments: &[&str]) -> (i32, String) {
    let output = game.workspace.keel(&[&["rollback"], arguments].concat());
    (output.status.code().unwrap(), text(&output))
}

#[track_caller]
pub(crate) fn check_rolled_back(game: &mut Game, arguments: &[&str], to: u64, generation: u64) {
    let (code, printed) = roll_back(game, &[&["unlucky"], arguments].concat());
    let told = format!("v{to} runs again, as v{generation}");
    assert!(code == 0 && printed.contains(&told), "{code}: {printed}");
    let event = wait_rolled_back(game);
    assert_eq!((&event["modules"][0]["to"], &event["frames_lost"]), (&to.into(), &0.into()), "{event}");
    assert!(event.get("fault").is_none(), "{event}");
}

#[track_caller]
pub(crate) fn check_refused(game: &Game, arguments: &[&str], code: i32, part: &str) {
    let (found, printed) = roll_back(game, arguments);
    assert!(found == code && printed.contains(part), "{found}: {printed}");
}

#[test]
fn a_module_is_taken_back_from_another_terminal_as_deep_as_the_ring() {
    // Its first two generations are those of `start_with`.
    let mut game = start_with(&["--trial", "off", "--probation", "off"]);
    for version in 1..=4 {
        game.workspace.write(SOURCE, &fixed(version));
        game.wait_swap("unlucky");
    }
    let before = steps(&mut game);
    for (to, generation) in [(4, 6), (3, 7), (2, 8), (1, 9)] {
        check_rolled_back(&mut game, &[], to, generation);
    }
    let too_deep =
        "error[no-such-module]: module `unlucky` runs generation 9 and has nothing before it to go back to";
    check_refused(&game, &["unlucky"], 3, too_deep);
    check_refused(&game, &["unlucky", "--to", "0"], 3, "no generation 0 to go back to: kept are 5, 4, 3, 2");
    check_refused(
        &game,
        &["no-luck"],
        3,
        "error[no-such-module]: there is no module `no-luck`; there are: console",
    );
    check_refused(&game, &["unlucky", "--run", "run-0-0"], 1, "there is no run run-0-0; there are: run-");
    check_rolled_back(&mut game, &["--to", "5"], 5, 10);
    game.assert_goes_on();
    assert!(steps(&mut game) > before, "its fields went with it");

    // A field that came since is given up with consent only.
    let lucky =
        MODULE.replace("pub steps: u64,", "pub steps: u64,\n    /// What it has.\n    pub luck: u64,");
    game.workspace.write(SOURCE, &lucky);
    game.wait_swap("unlucky");
    check_refused(&game, &["unlucky"], 3, "error[data-loss]");
    let rejected = game.wait_rejected("unlucky");
    assert_eq!(rejected["code"], "data-loss");
    game.command("rollback unlucky accept-loss");
    check_luck_lost(&mut game);
    // What has gone back waits for nobody's consent.
    game.command("accept");
    game.wait_log("nothing waits for your consent");

    // It may be given afterwards, too, whoever has asked; until the module is saved again.
    let hint = "; `accept`, or `keel rollback unlucky --accept-loss`, goes back nevertheless";
    game.workspace.write(SOURCE, &format!("{lucky}\n/// Once more.\npub const ONCE: u32 = 1;\n"));
    game.wait_swap("unlucky");
    check_refused(&game, &["unlucky"], 3, hint);
    game.command("accept");
    check_luck_lost(&mut game);
    game.workspace.write(SOURCE, &lucky);
    game.wait_swap("unlucky");
    game.command("rollback unlucky");
    while !game.wait_rejected("unlucky")["message"].as_str().unwrap().ends_with(hint) {}
    game.workspace.write(SOURCE, &fixed(9));
    assert_eq!(game.wait_rejected("unlucky")["code"], "data-loss");
    game.command("accept");
    assert_eq!(list(&game.wait_swap("unlucky").line["dropped"]), ["Unlucky.luck"], "the newest");
    game.command("accept");
    game.wait_log("nothing waits for your consent");
    game.assert_goes_on();
    assert!(steps(&mut game) > before);
    let workspace = game.quit();
    let output = workspace.keel(&["rollback", "unlucky"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("no game of this workspace is running"), "{}", text(&output));
}

#[cfg(target_os = "linux")]
#[test]
fn as_many_generations_are_kept_as_were_asked_for_and_the_next_engine_has_them_too() {
    // Its first two generations are those of `start_with`.
    let mut game = start_with(&["--trial", "off", "--probation", "off", "--ring", "6"]);
    for version in 1..=6 {
        game.workspace.write(SOURCE, &fixed(version));
        game.wait_swap("unlucky");
    }
    for (to, generation) in [(6, 8), (5, 9)] {
        check_rolled_back(&mut game, &[], to, generation);
    }
    crate::game::signal(game.engine_pid(), "KILL");
    game.wait_resumed();
    for (to, generation) in [(4, 10), (3, 11), (2, 12), (1, 13)] {
        check_rolled_back(&mut game, &[], to, generation);
    }
    check_refused(&game, &["unlucky"], 3, "runs generation 13 and has nothing before it to go back to");
    check_refused(&game, &["unlucky", "--to", "0"], 3, "kept are 7, 6, 5, 4, 3, 2");
    game.quit();
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn where_none_is_kept_nothing_is_gone_back_to_and_what_stays_mapped_is_counted_with_its_size() {
    let mut game = start_with(&["--trial", "off", "--ring", "0"]);
    check_refused(&game, &["unlucky"], 3, "has nothing before it to go back to");
    game.wait_rejected("unlucky");
    // Threads that have used it run destructors in the library when they end.
    let line = "std::thread_local!(static SEEN: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) });
         SEEN.with_borrow_mut(|seen| seen.push('x'));";
    game.workspace.write(SOURCE, &MODULE.replace("/*update*/", line));
    game.wait_swap("unlucky");
    game.assert_goes_on();
    assert_eq!(game.stats()["libraries_kept_bytes"], 0);
    game.workspace.write(SOURCE, &panicking_after(180, ""));
    game.wait_swap("unlucky");
    let stats = game.wait("a library that is kept", |event| event["libraries_kept"] == 1);
    let mapped = crate::recovery::mapped(game.engine_pid(), "unlucky");
    let sizes: Vec<_> = mapped.iter().map(|file| file.metadata().unwrap().len()).collect();
    assert!(sizes.iter().any(|size| stats["libraries_kept_bytes"] == *size), "{stats}: {sizes:?}");
    assert_eq!(game.wait_fault("unlucky")["suspended"], true, "there is nothing to be put back");
    game.quit();
}

/// Its generation 5 runs again, without the field that came after it.
#[track_caller]
fn check_luck_lost(game: &mut Game) {
    let told = wait_rolled_back(game);
    assert_eq!((list(&told["dropped"]), &told["modules"][0]["to"]), (vec!["Unlucky.luck"], &5.into()));
    game.assert_goes_on();
}

#[test]
fn a_component_that_has_grown_shrinks_again_with_all_that_was_swapped_with_it() {
    let mut game = Game::start();
    game.assert_goes_on();
    game.pause();
    let at_first = game.still();
    let original = game.workspace.read(FISH);
    let wear = "/// How worn it is.\n    pub wear: f32";
    game.workspace.write(FISH, &trail_with(wear, "wear: 0.0")(&original));
    wait_all(&mut game);
    let grown = game.still();
    assert_ne!(grown.hash, at_first.hash);

    check_refused(&game, &["shoal-swim"], 3, "error[data-loss]: ");
    assert!(
        game.wait_rejected("shoal-swim")["message"]
            .as_str()
            .unwrap()
            .contains("`Trail.wear` of type f32 is gone")
    );
    assert_eq!(game.still().hash, grown.hash, "nothing has changed");

    let (code, printed) = roll_back(&game, &["shoal-swim", "--accept-loss"]);
    assert_eq!(code, 0, "{printed}");
    let told = wait_rolled_back(&mut game);
    let mut names: Vec<_> = told["module"].as_str().unwrap().split('+').collect();
    assert_eq!(names[0], "shoal-swim", "the one that was asked for");
    names.sort_unstable();
    assert_eq!(names, DEPENDENTS, "all that came with it");
    assert_eq!((list(&told["dropped"]), &told["rebuilt"]), (vec!["Trail.wear"], &true.into()));
    let at_last = game.still();
    assert_eq!((&at_last.hash, at_last.entities), (&at_first.hash, at_first.entities));
    at_last.values.assert_same(&at_first.values);
    game.pause();
    game.assert_goes_on();
    assert!(!game.history().iter().any(|line| line.contains("\"event\":\"fault\"")), "no module has failed");
    game.quit();
}
