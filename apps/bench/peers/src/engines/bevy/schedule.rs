//! Systems in a schedule, with one thread and with several.

use std::mem::swap;

use bevy_ecs::prelude::*;
use bevy_ecs::schedule::{MultiThreadedExecutor, SingleThreadedExecutor};
use bevy_tasks::{ComputeTaskPool, TaskPool};

use crate::data::{A, B, C, D, E};
use crate::routine::Cases;
use crate::task::{EMPTY_SYSTEMS, SCHEDULED};

const ONE: &str = "Schedule::run, SingleThreadedExecutor";
const SEVERAL: &str = "Schedule::run, MultiThreadedExecutor";

pub(super) fn declare(cases: &mut Cases) {
    let run = |(world, schedule): &mut (World, Schedule)| schedule.run(world);
    cases.case("schedule", ONE).runs(|| scheduled(false), run, |(world, _)| sum(world));
    let threads = cases.case("schedule", SEVERAL).variant("threads");
    threads.runs(|| scheduled(true), run, |(world, _)| sum(world));
}

pub(super) fn declare_overhead(cases: &mut Cases) {
    let run = |(world, schedule, steps): &mut (World, Schedule, u64)| {
        schedule.run(world);
        *steps += 1;
    };
    for systems in EMPTY_SYSTEMS {
        let name = format!("schedule_overhead/{systems}");
        cases.case(&name, ONE).runs(move || empty(systems, false), run, |(.., steps)| *steps as f64);
        let threads = cases.case(&name, SEVERAL).variant("threads");
        threads.runs(move || empty(systems, true), run, |(.., steps)| *steps as f64);
    }
}

fn schedule(threads: bool) -> Schedule {
    let mut schedule = Schedule::default();
    if threads {
        ComputeTaskPool::get_or_init(TaskPool::default);
        schedule.set_executor(MultiThreadedExecutor::new());
    } else {
        schedule.set_executor(SingleThreadedExecutor::new());
    }
    schedule
}

fn empty(systems: usize, threads: bool) -> (World, Schedule, u64) {
    let mut schedule = schedule(threads);
    for _ in 0..systems {
        schedule.add_systems(|| {});
    }
    (World::new(), schedule, 0)
}

fn scheduled(threads: bool) -> (World, Schedule) {
    let mut world = World::new();
    let a = |index: usize| A((index % 16) as f32);
    world.spawn_batch((0..SCHEDULED).map(move |index| (a(index), B(1.0))));
    world.spawn_batch((0..SCHEDULED).map(move |index| (a(index), B(1.0), C(2.0))));
    world.spawn_batch((0..SCHEDULED).map(move |index| (a(index), B(1.0), C(2.0), D(3.0))));
    world.spawn_batch((0..SCHEDULED).map(move |index| (a(index), B(1.0), C(2.0), E(4.0))));
    let mut schedule = schedule(threads);
    schedule.add_systems((ab, (cd, ce).chain()));
    (world, schedule)
}

fn ab(mut query: Query<(&mut A, &mut B)>) {
    query.iter_mut().for_each(|(mut a, mut b)| swap(&mut a.0, &mut b.0));
}

fn cd(mut query: Query<(&mut C, &mut D)>) {
    query.iter_mut().for_each(|(mut c, mut d)| swap(&mut c.0, &mut d.0));
}

fn ce(mut query: Query<(&mut C, &mut E)>) {
    query.iter_mut().for_each(|(mut c, mut e)| swap(&mut c.0, &mut e.0));
}

fn sum(world: &mut World) -> f64 {
    let a: f64 = world.query::<&A>().iter(world).map(|it| f64::from(it.0)).sum();
    let b: f64 = world.query::<&B>().iter(world).map(|it| f64::from(it.0)).sum();
    let c: f64 = world.query::<&C>().iter(world).map(|it| f64::from(it.0)).sum();
    let d: f64 = world.query::<&D>().iter(world).map(|it| f64::from(it.0)).sum();
    let e: f64 = world.query::<&E>().iter(world).map(|it| f64::from(it.0)).sum();
    a + 2.0 * b + 3.0 * c + 5.0 * d + 7.0 * e
}
