//! How much memory the engine process may have, and who is ended when there is none left. What becomes of a game whose code
//! takes all of it is the gallery's.

use crate::game::Game;

/// What the system tells of a process.
fn told(pid: u32, file: &str) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap()
}

/// The most private memory that it may have, in bytes; `unlimited` if there is no limit.
fn limit(pid: u32) -> String {
    let limits = told(pid, "limits");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max data size")).unwrap();
    line.split_whitespace().next().unwrap().to_owned()
}

fn willingness(pid: u32) -> i32 {
    told(pid, "oom_score_adj").trim().parse().unwrap()
}

#[test]
fn the_engine_leaves_memory_to_others_and_is_ended_before_its_supervisor() {
    let mut game = Game::start();
    game.assert_goes_on();
    let (supervisor, engine) = (game.pid(), game.engine_pid());
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
    let total: u64 = meminfo.split_whitespace().nth(1).unwrap().parse().unwrap();
    let most: u64 = limit(engine).parse().unwrap();
    assert!((64 << 20..=total * 1024 / 4 * 3).contains(&most), "{most} bytes of {total} KiB");
    assert_eq!(
        limit(supervisor),
        limit(std::process::id()),
        "the supervisor has the limit it was started with"
    );
    assert!(willingness(engine) >= 500.max(willingness(supervisor)), "{}", willingness(engine));
    assert_eq!(willingness(supervisor), willingness(std::process::id()));
    game.quit();
}

#[test]
fn a_limit_that_is_given_is_in_force_and_off_is_none() {
    let start = |arguments: &[&str]| Game::start_with(crate::workspace::Workspace::take(), arguments);
    let game = start(&["--memory", "700M"]);
    assert_eq!(limit(game.engine_pid()), (700_u64 << 20).to_string());
    game.quit();
    let game = start(&["--memory", "off"]);
    assert_eq!(limit(game.engine_pid()), limit(std::process::id()));
    game.quit();
}
