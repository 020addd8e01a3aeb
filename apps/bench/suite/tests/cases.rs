//! Each case of the suite does what its name says: a routine that computes something else would be another case. The other
//! engines are held against the same results when they are measured.

use std::collections::{BTreeMap, BTreeSet};

use keel::prelude::*;
use keel_bench_suite_types::task::{
    ACCESSED, ARCHETYPES, CALLS, CASES, CHANGED, CHANGED_ONE_IN, EMPTY_SYSTEMS, EVENTS, FRAGMENTS, GROWTH,
    HEAVY, LARGE, NODES, PER_FRAGMENT, PER_WORLD, SAVED, SCATTERED, SCHEDULED, SIMPLE, WATCHED, WORLDS,
    inverse, parent_of, speed, start, turn, turned,
};

/// The least world of `growth`, whose larger ones differ from it in nothing else.
const LEAST: usize = GROWTH[0];

/// The cases by name, and by variant where they have one.
fn cases() -> BTreeMap<String, keel::module::DeclaredBench> {
    let mut setup = Setup::new();
    keel_bench_suite::declare(&mut setup);
    setup.take_benches().into_iter().map(|bench| (bench.case().to_string(), bench)).collect()
}

/// Checks what a case has come to after no, one and two iterations.
#[track_caller]
fn check(case: &str, expected: impl Fn(u32) -> f64) {
    let bench = cases().remove(case).unwrap_or_else(|| panic!("there is no case `{case}`"));
    let mut routine = bench.prepare();
    let mut done = 0;
    for more in [0, 1, 1] {
        routine.run(more);
        done += more as u32;
        let (found, expected) = (routine.checksum().expect("it is checked"), expected(done));
        let difference = (found - expected).abs();
        assert!(
            difference <= 1e-6 * expected.abs().max(1.0),
            "{case} after {done}: {found}, and not {expected}"
        );
    }
    assert!(!bench.case().form_text().is_empty(), "{case} says how it is written");
}

/// The sum of all places after each of `count` has gone so many steps.
fn places(count: usize, steps: u32) -> f64 {
    let one = |index: usize| f64::from(start(index)[0]) + f64::from(speed(index)[0]) * f64::from(steps);
    (0..count).map(one).sum()
}

#[test]
fn every_case_is_checked_here() {
    let checked = [
        "simple_insert",
        "simple_insert (for)",
        "simple_iter",
        "simple_iter (for)",
        "simple_iter (borrowed)",
        "fragmented_iter",
        "fragmented_iter (for)",
        "fragmented_iter (sparse)",
        "fragmented_iter (borrowed)",
        "schedule",
        "schedule (for)",
        "schedule (sequence)",
        "heavy_compute",
        "heavy_compute (for)",
        "heavy_compute (sequence)",
        "heavy_compute (threads)",
        "add_remove",
        "add_remove (sparse)",
        "changed_iter",
        "changed_iter (for)",
        "serialize",
        "simple_iter_1m",
        "random_access",
        "random_access (borrowed)",
        "path_read",
        "path_read (exclusive)",
        "path_read (typed)",
        "path_write",
        "path_write (exclusive)",
        "path_write (typed)",
        "call_by_name",
        "call_by_name (typed)",
        "hierarchy",
        "events",
        "events (frame)",
        "worlds",
        "worlds (one thread)",
        "worlds (by hand)",
        "snapshot_1m",
        "restore_1m",
    ];
    let is_family = |name: &str| name.contains('/');
    let mut names: Vec<_> = cases().into_keys().filter(|name| !is_family(name)).collect();
    names.sort();
    let mut expected = checked.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(names, expected);
    let families = GROWTH.len() + 2 * EMPTY_SYSTEMS.len() + 2 * ARCHETYPES.len();
    assert_eq!(cases().into_keys().filter(|name| is_family(name)).count(), families);
}

#[test]
fn the_suite_is_what_the_other_engines_are_asked_for() {
    let family = |name: String| name.split(['/', ' ']).next().unwrap().to_owned();
    let declared: BTreeSet<_> = cases().into_keys().map(family).collect();
    assert_eq!(declared, CASES.map(str::to_owned).into());
}

#[test]
fn entities_are_spawned() {
    for case in ["simple_insert", "simple_insert (for)"] {
        check(case, |done| f64::from(done) * SIMPLE as f64);
    }
}

#[test]
fn entities_move() {
    check("simple_iter", |done| places(SIMPLE, done));
    check("simple_iter (for)", |done| places(SIMPLE, done));
    check("simple_iter (borrowed)", |done| places(SIMPLE, done));
    check(&format!("growth/{LEAST}"), |done| places(LEAST, done));
    check("simple_iter_1m", |done| places(LARGE, done));
    for case in ["worlds", "worlds (one thread)", "worlds (by hand)"] {
        check(case, |done| WORLDS as f64 * places(PER_WORLD, done));
    }
}

#[test]
fn each_fragment_is_doubled() {
    for way in ["", " (for)", " (sparse)", " (borrowed)"] {
        check(&format!("fragmented_iter{way}"), |done| {
            (FRAGMENTS * PER_FRAGMENT) as f64 * 2_f64.powi(done as i32)
        });
    }
}

#[test]
fn columns_are_swapped_pair_after_pair() {
    let sum = |done: u32| {
        let a: f64 = (0..SCHEDULED).map(|index| (index % 16) as f64).sum();
        let count = SCHEDULED as f64;
        // Four archetypes have A and B; C stays where there is neither D nor E.
        let (a, b) = if done.is_multiple_of(2) { (a, count) } else { (count, a) };
        let pair = |with: f64, factor: f64| {
            let (c, other) = if done.is_multiple_of(2) { (2.0, with) } else { (with, 2.0) };
            count * (3.0 * c + factor * other)
        };
        4.0 * (a + 2.0 * b) + count * 6.0 + pair(3.0, 5.0) + pair(4.0, 7.0)
    };
    for case in ["schedule", "schedule (for)", "schedule (sequence)"] {
        check(case, sum);
    }
}

#[test]
fn matrices_are_inverted_an_even_number_of_times() {
    let back = inverse(&inverse(&turn()));
    assert!(back.iter().zip(turn()).all(|(one, other)| (one - other).abs() < 1e-6), "{back:?}");
    // A turn about the first axis leaves that part of a place as it is.
    assert_eq!(turned(&turn(), [4.0, 1.0, 1.0])[0], 4.0);
    for way in ["", " (for)", " (sequence)", " (threads)"] {
        check(&format!("heavy_compute{way}"), |_| places(HEAVY, 0));
    }
}

#[test]
fn what_was_added_is_removed_and_the_rest_stays() {
    for case in ["add_remove", "add_remove (sparse)"] {
        check(case, |_| (0..CHANGED).map(|index| (index % 16) as f64).sum());
    }
}

#[test]
fn what_was_changed_is_seen_once() {
    for case in ["changed_iter", "changed_iter (for)"] {
        let count = (WATCHED / CHANGED_ONE_IN) as f64;
        check(case, |done| (1..=done).map(|round| count * f64::from(round)).sum());
    }
}

#[test]
fn a_world_that_was_saved_is_the_same_again() {
    check("serialize", |_| places(SAVED, 0));
    check("restore_1m", |_| places(LARGE, 0));
    check("snapshot_1m", |done| if done == 0 { 0.0 } else { LARGE as f64 });
    for archetypes in ARCHETYPES {
        check(&format!("restore_archetypes/{archetypes}"), |_| places(SCATTERED, 0));
        check(
            &format!("snapshot_archetypes/{archetypes}"),
            |done| if done == 0 { 0.0 } else { SCATTERED as f64 },
        );
    }
}

#[test]
fn each_entity_is_read_once() {
    let paths = ["path_read", "path_read (exclusive)", "path_read (typed)"];
    for case in ["random_access", "random_access (borrowed)"].into_iter().chain(paths) {
        check(case, |done| f64::from(done) * places(ACCESSED, 0));
    }
}

#[test]
fn each_entity_is_written_once() {
    for case in ["path_write", "path_write (exclusive)", "path_write (typed)"] {
        check(case, |done| match done {
            0 => places(ACCESSED, 0),
            _ => f64::from(done) * ACCESSED as f64,
        });
    }
}

#[test]
fn each_call_by_name_comes_back_with_its_result() {
    for case in ["call_by_name", "call_by_name (typed)"] {
        // Every second target is hit harder by 1.
        check(case, |done| f64::from(done) * CALLS as f64);
    }
}

#[test]
fn a_node_is_where_all_above_it_have_brought_it() {
    let mut at: Vec<[f64; 2]> = Vec::with_capacity(NODES);
    for index in 0..NODES {
        let [x, y, _] = speed(index).map(f64::from);
        let [above_x, above_y] = parent_of(index).map_or([0.0; 2], |parent| at[parent]);
        at.push([above_x + x, above_y + y]);
    }
    let sum: f64 = at.iter().flatten().sum();
    check("hierarchy", |done| if done == 0 { 0.0 } else { sum });
}

#[test]
fn each_event_is_read_once() {
    for case in ["events", "events (frame)"] {
        check(case, |done| f64::from(done) * EVENTS as f64 * (0.5 + 0.5));
    }
}

#[test]
fn a_step_runs_all_empty_systems() {
    for systems in EMPTY_SYSTEMS {
        check(&format!("schedule_overhead/{systems}"), f64::from);
        check(&format!("schedule_overhead/{systems} (sequence)"), f64::from);
    }
}
