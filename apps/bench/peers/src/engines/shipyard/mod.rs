//! shipyard: a sparse set for each component, and workloads that run in parallel.

mod saving;

use std::hint::black_box;
use std::mem::swap;

use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};
use shipyard::{EntityId, Get, IntoIter, IntoWorkload, View, ViewMut, Workload, World, track};

use crate::data::{
    A, B, C, D, Data, E, F, G, Global, H, I, J, K, L, Local, M, N, O, P, Position, Q, R, S, T, Transform, U,
    V, Velocity, W, X, Y, Z, children_of_nodes, inserted, moving, thing,
};
use crate::protocol::Storage;
use crate::routine::Cases;
use crate::task::{
    ACCESSED, CHANGED, CHANGED_ONE_IN, EMPTY_SYSTEMS, GROWTH, HEAVY, LARGE, NODES, PER_FRAGMENT, PER_WORLD,
    SCHEDULED, SIMPLE, WATCHED, WORLDS, invert_again_and_again, shuffled, speed,
};

pub(crate) fn cases() -> Cases {
    let mut cases = Cases::new("shipyard", Storage::SparseSets);
    suite(&mut cases);
    large(&mut cases);
    saving::declare(&mut cases);
    cases.lacks(&["path_read", "path_write", "call_by_name"], "it has no reflection, and knows no functions");
    cases.lacks(&["events"], "it has no events");
    cases.lacks(&["snapshot_archetypes", "restore_archetypes"], "it has no archetypes");
    cases
}

const FOR_EACH: &str = "World::run, views, iter().for_each";

fn things(count: usize) -> World {
    let mut world = World::new();
    world.bulk_add_entity((0..count).map(thing));
    world
}

fn many(count: usize) -> World {
    let mut world = World::new();
    world.bulk_add_entity((0..count).map(moving));
    world
}

fn go(world: &mut World) {
    world.run(|mut positions: ViewMut<Position>, velocities: View<Velocity>| {
        (&mut positions, &velocities).iter().for_each(|(position, velocity)| position.go(velocity));
    });
}

fn sum(world: &mut World) -> f64 {
    world.run(|positions: View<Position>| positions.iter().map(|position| f64::from(position.x)).sum())
}

fn invert((transform, position): (&mut Transform, &mut Position)) {
    let mut place = (*position).into();
    invert_again_and_again(&mut transform.columns, &mut place);
    *position = place.into();
}

fn suite(cases: &mut Cases) {
    cases.case("simple_insert", "World::bulk_add_entity").runs(
        || 0,
        |count| {
            let mut world = World::new();
            *count += black_box(&mut world).bulk_add_entity((0..SIMPLE).map(|_| inserted())).len();
        },
        |count| *count as f64,
    );
    cases.case("simple_iter", FOR_EACH).runs(|| things(SIMPLE), go, sum);
    cases.case("fragmented_iter", FOR_EACH).runs(
        fragmented,
        |world| world.run(|mut data: ViewMut<Data>| (&mut data).iter().for_each(|data| data.0 *= 2.0)),
        |world| world.run(|data: View<Data>| data.iter().map(|data| f64::from(data.0)).sum()),
    );
    cases.case("schedule", "a workload, World::run_default_workload").runs(
        scheduled,
        |world| world.run_default_workload().expect("its systems do not fail"),
        sum_of_letters,
    );
    cases.case("schedule", "three World::run in sequence").variant("sequence").runs(
        scheduled,
        |world| {
            world.run(ab);
            world.run(cd);
            world.run(ce);
        },
        sum_of_letters,
    );
    cases.case("heavy_compute", "World::run, views, iter().for_each, one thread").runs(
        || things(HEAVY),
        |world| {
            world.run(|mut transforms: ViewMut<Transform>, mut positions: ViewMut<Position>| {
                (&mut transforms, &mut positions).iter().for_each(invert);
            });
        },
        sum,
    );
    cases.case("heavy_compute", "World::run, views, par_iter().for_each").variant("threads").runs(
        || things(HEAVY),
        |world| {
            world.run(|mut transforms: ViewMut<Transform>, mut positions: ViewMut<Position>| {
                (&mut transforms, &mut positions).par_iter().for_each(invert);
            });
        },
        sum,
    );
    cases.case("add_remove", "World::add_component for each, then World::remove for each").runs(
        changing,
        |(world, entities): &mut (World, Vec<EntityId>)| {
            for entity in &*entities {
                world.add_component(*entity, (B(1.0),));
            }
            for entity in &*entities {
                world.remove::<B>(*entity);
            }
        },
        left,
    );
    let form = "ViewMut::add_component_unchecked for each, then ViewMut::remove for each";
    cases.case("add_remove", form).variant("views").runs(
        changing,
        |(world, entities): &mut (World, Vec<EntityId>)| {
            world.run(|mut b: ViewMut<B>| {
                for entity in &*entities {
                    shipyard::AddComponent::add_component_unchecked(&mut b, *entity, B(1.0));
                }
            });
            world.run(|mut b: ViewMut<B>| {
                for entity in &*entities {
                    shipyard::Remove::remove(&mut b, *entity);
                }
            });
        },
        left,
    );
    let form = "track::Modification; ViewMut::get for each that is changed; View::modified, iter().for_each";
    cases.case("changed_iter", form).runs(watched, go_through_changed, |(.., sum)| *sum);
}

/// A world whose changes are tracked, those that are changed, and a sum.
type Watched = (World, Vec<EntityId>, f64);

fn watched() -> Watched {
    let mut world = World::new();
    world.track_modification::<A>();
    let entities: Vec<_> = world.bulk_add_entity((0..WATCHED).map(|_| (A(0.0),))).collect();
    (world, entities.into_iter().step_by(CHANGED_ONE_IN).collect(), 0.0)
}

fn go_through_changed((world, chosen, sum): &mut Watched) {
    world.run(|a: ViewMut<A, track::Modification>| a.clear_all_modified());
    world.run(|mut a: ViewMut<A, track::Modification>| {
        for entity in &*chosen {
            (&mut a).get(*entity).expect("it lives").0 += 1.0;
        }
    });
    world.run(|a: View<A, track::Modification>| {
        a.modified().iter().for_each(|a| *sum += f64::from(a.0));
    });
}

fn changing() -> (World, Vec<EntityId>) {
    let mut world = World::new();
    let entities = world.bulk_add_entity((0..CHANGED).map(|index| (A((index % 16) as f32),))).collect();
    (world, entities)
}

fn left((world, _): &mut (World, Vec<EntityId>)) -> f64 {
    world
        .run(|a: View<A>, b: View<B>| a.iter().map(|a| f64::from(a.0)).sum::<f64>() + b.iter().count() as f64)
}

macro_rules! fragments {
    ($($letter:ident)+) => {
        fn fragmented() -> World {
            let mut world = World::new();
            $(world.bulk_add_entity((0..PER_FRAGMENT).map(|_| ($letter(0.0), Data(1.0))));)+
            world
        }
    };
}

fragments! { A B C D E F G H I J K L M N O P Q R S T U V W X Y Z }

fn ab(mut a: ViewMut<A>, mut b: ViewMut<B>) {
    (&mut a, &mut b).iter().for_each(|(a, b)| swap(&mut a.0, &mut b.0));
}

fn cd(mut c: ViewMut<C>, mut d: ViewMut<D>) {
    (&mut c, &mut d).iter().for_each(|(c, d)| swap(&mut c.0, &mut d.0));
}

fn ce(mut c: ViewMut<C>, mut e: ViewMut<E>) {
    (&mut c, &mut e).iter().for_each(|(c, e)| swap(&mut c.0, &mut e.0));
}

fn scheduled() -> World {
    let mut world = World::new();
    let a = |index: usize| A((index % 16) as f32);
    world.bulk_add_entity((0..SCHEDULED).map(|index| (a(index), B(1.0))));
    world.bulk_add_entity((0..SCHEDULED).map(|index| (a(index), B(1.0), C(2.0))));
    world.bulk_add_entity((0..SCHEDULED).map(|index| (a(index), B(1.0), C(2.0), D(3.0))));
    world.bulk_add_entity((0..SCHEDULED).map(|index| (a(index), B(1.0), C(2.0), E(4.0))));
    world.add_workload(|| (ab, cd, ce).into_workload());
    world
}

fn sum_of_letters(world: &mut World) -> f64 {
    world.run(|a: View<A>, b: View<B>, c: View<C>, d: View<D>, e: View<E>| {
        let a: f64 = a.iter().map(|it| f64::from(it.0)).sum();
        let b: f64 = b.iter().map(|it| f64::from(it.0)).sum();
        let c: f64 = c.iter().map(|it| f64::from(it.0)).sum();
        let d: f64 = d.iter().map(|it| f64::from(it.0)).sum();
        let e: f64 = e.iter().map(|it| f64::from(it.0)).sum();
        a + 2.0 * b + 3.0 * c + 5.0 * d + 7.0 * e
    })
}

fn nothing() {}

fn large(cases: &mut Cases) {
    cases.case("simple_iter_1m", FOR_EACH).runs(|| many(LARGE), go, sum);
    let form = "World::run, views, par_iter().for_each";
    cases.case("simple_iter_1m", form).variant("threads").runs(
        || many(LARGE),
        |world| {
            world.run(|mut positions: ViewMut<Position>, velocities: View<Velocity>| {
                let both = (&mut positions, &velocities).par_iter();
                both.for_each(|(position, velocity)| position.go(velocity));
            });
        },
        sum,
    );
    for entities in GROWTH {
        let case = cases.case(&format!("growth/{entities}"), FOR_EACH).entities(entities);
        case.runs(move || many(entities), go, sum);
    }
    let worlds = cases.case("worlds", "World::run, one world after the other").operations(WORLDS);
    worlds.entities(WORLDS * PER_WORLD).runs(
        || (0..WORLDS).map(|_| many(PER_WORLD)).collect::<Vec<_>>(),
        |worlds| worlds.iter_mut().for_each(go),
        |worlds| worlds.iter_mut().map(sum).sum(),
    );
    let form = "World::run; worlds side by side by rayon's par_iter_mut";
    let worlds = cases.case("worlds", form).variant("threads").operations(WORLDS);
    worlds.entities(WORLDS * PER_WORLD).runs(
        || (0..WORLDS).map(|_| many(PER_WORLD)).collect::<Vec<_>>(),
        |worlds| worlds.par_iter_mut().for_each(go),
        |worlds| worlds.iter_mut().map(sum).sum(),
    );
    let form = "components of one's own for the children; down from the root, views, Get::get";
    cases.case("hierarchy", form).runs(tree, propagate, |(world, ..)| {
        world.run(|globals: View<Global>| {
            globals.iter().map(|global| f64::from(global.x) + f64::from(global.y)).sum()
        })
    });
    cases.case("random_access", "World::run, View::get").operations(ACCESSED).runs(
        || {
            let mut world = World::new();
            let entities: Vec<EntityId> = world.bulk_add_entity((0..ACCESSED).map(moving)).collect();
            let order: Vec<EntityId> = shuffled(ACCESSED).into_iter().map(|index| entities[index]).collect();
            (world, order, 0.0)
        },
        |(world, order, sum): &mut (World, Vec<EntityId>, f64)| {
            *sum += world.run(|positions: View<Position>| {
                let one =
                    |entity: &EntityId| f64::from((&positions).get(*entity).expect("all of them live").x);
                order.iter().map(one).sum::<f64>()
            });
        },
        |(.., sum)| *sum,
    );
    for systems in EMPTY_SYSTEMS {
        let form = "a workload, World::run_default_workload";
        cases.case(&format!("schedule_overhead/{systems}"), form).runs(
            move || {
                let world = World::new();
                let mut workload = Workload::new("all");
                for _ in 0..systems {
                    workload = workload.with_system(nothing);
                }
                workload.add_to_world(&world).expect("its systems need nothing");
                (world, 0_u64)
            },
            |(world, steps)| {
                world.run_default_workload().expect("its systems do not fail");
                *steps += 1;
            },
            |(_, steps)| *steps as f64,
        );
    }
}

/// shipyard knows no hierarchy: its authors write one.
#[derive(shipyard::Component)]
struct Children(Vec<EntityId>);

type Tree = (World, EntityId, Vec<(EntityId, Global)>);

fn tree() -> Tree {
    let mut world = World::new();
    let zero = Global::from([0.0; 3]);
    let node = |index| (Local::from(speed(index)), zero);
    let nodes: Vec<EntityId> = world.bulk_add_entity((0..NODES).map(node)).collect();
    for (node, children) in nodes.iter().zip(children_of_nodes()).filter(|(_, children)| !children.is_empty())
    {
        let children = Children(children.into_iter().map(|child| nodes[child]).collect());
        world.add_component(*node, (children,));
    }
    (world, nodes[0], Vec::new())
}

fn propagate((world, root, open): &mut Tree) {
    world.run(|locals: View<Local>, mut globals: ViewMut<Global>, children: View<Children>| {
        open.push((*root, Global::from([0.0; 3])));
        while let Some((node, above)) = open.pop() {
            let (local, mut global) = (&locals, &mut globals).get(node).expect("all of them live");
            *global = above.below(local);
            if let Ok(Children(children)) = (&children).get(node) {
                open.extend(children.iter().map(|child| (*child, *global)));
            }
        }
    });
}
