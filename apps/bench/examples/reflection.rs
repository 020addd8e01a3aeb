//! Prints what reflection costs, beside the same done with the types known:
//! `cargo run -p keel-bench --release --example reflection [ONLY]`.

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]
#![allow(clippy::unwrap_used, reason = "whatever fails ends the measurement")]

use std::hint::black_box;
use std::time::Instant;

use keel::ecs::{ComponentDefinition, Entity, ModelTypeInfo, PreparedPath, PreparedTerms, World};
use keel::engine::{Engine, EngineConfig, FunctionDescriptor, ModuleTag, PreparedCall};
use keel::prelude::*;

const ENTITIES: usize = 1_000;
const REPEATS: usize = 200;
const ROUNDS: usize = 15;

#[data]
#[derive(Clone, Default)]
struct Inner {
    skipped: u8,
    depth: f32,
}

#[component]
#[derive(Clone, Default)]
struct Position {
    x: f32,
    y: f32,
    inner: Inner,
}

#[component]
#[derive(Clone, Default)]
struct Label {
    text: String,
    bytes: Vec<u8>,
    mood: Mood,
    scores: std::collections::BTreeMap<String, u32>,
}

#[data]
#[derive(Clone)]
enum Mood {
    Calm,
    Afraid { since: u32 },
}

impl Default for Mood {
    fn default() -> Self {
        black_box(Self::Calm);
        Self::Afraid { since: 7 }
    }
}

#[resource]
#[derive(Clone, Default)]
struct Tide {
    level: f32,
}

fn main() {
    let mut world = World::new();
    for info in [
        ModelTypeInfo::component::<Position>(),
        ModelTypeInfo::component::<Label>(),
        ModelTypeInfo::resource::<Tide>(),
    ] {
        world.register(info).unwrap();
    }
    let label = Label {
        text: "keel".to_owned(),
        bytes: vec![1; 64],
        scores: [("anna".to_owned(), 3)].into(),
        ..Label::default()
    };
    let entities = world.spawn_batch(
        (0..ENTITIES).map(|at| (Position { x: at as f32, ..Position::default() }, label.clone())),
    );
    world.insert_resource(Tide { level: 0.5 }).unwrap();
    let health = "struct Health { left: f32, at: (u8, f32), log: String, most: f32, mood: Option<u32> }";
    world.define_component(&ComponentDefinition::parse(health).unwrap()).unwrap();
    for entity in &entities {
        world.insert_named(*entity, "Health", &[("log", "keel".into()), ("mood", 7.into())]).unwrap();
    }
    let bench = Bench { world: &world, entities: &entities };
    bench.typed();
    bench.paths();
    bench.rows();
    bench.defined();
    calls();
}

/// Calls of a function of another module, from code of a module.
fn calls() {
    let mut engine = Engine::new(EngineConfig::default());
    let tag = ModuleTag::new("hunt");
    let damage = |_: &mut Frame<'_>, who: Entity, amount: f32| amount as u32 + who.index();
    engine.add_function(&tag, FunctionDescriptor::new("damage"), damage).unwrap();
    let ship = engine.world_mut().spawn(());
    let run = |frame: &mut Frame<'_>| {
        measure("typed  call a function (not inlined)", ENTITIES * REPEATS, || {
            for _ in 0..ENTITIES * REPEATS {
                let call = black_box(&damage as &dyn Fn(&mut Frame<'_>, Entity, f32) -> u32);
                black_box(call(frame, black_box(ship), black_box(3.0)));
            }
        });
        let mut damage = PreparedCall::new("hunt/damage");
        measure("call   hunt/damage(Entity, f32) -> u32", ENTITIES * REPEATS, || {
            for _ in 0..ENTITIES * REPEATS {
                let arguments = [black_box(ship).into(), black_box(3.0_f32).into()];
                black_box(damage.call_as::<u32>(frame, &arguments).unwrap());
            }
        });
        measure("call   the same, with a whole number for f32", ENTITIES * REPEATS, || {
            for _ in 0..ENTITIES * REPEATS {
                let arguments = [black_box(ship).into(), black_box(3).into()];
                black_box(damage.call_as::<u32>(frame, &arguments).unwrap());
            }
        });
        Ok(())
    };
    engine.run_as(&ModuleTag::new("bench"), run).unwrap();
}

struct Bench<'w> {
    world: &'w World,
    entities: &'w [Entity],
}

impl Bench<'_> {
    /// Does `work` with each entity many times, and prints the median and the least of the rounds.
    fn measure(&self, name: &str, mut work: impl FnMut(Entity)) {
        measure(name, ENTITIES * REPEATS, || {
            for _ in 0..REPEATS {
                self.entities.iter().for_each(|entity| work(black_box(*entity)));
            }
        });
    }

    fn typed(&self) {
        let world = self.world;
        self.measure("typed  get Position.x", |entity| {
            black_box(world.get::<Position>(entity).unwrap().x);
        });
        self.measure("typed  set Position.x", |entity| world.get_mut::<Position>(entity).unwrap().x = 1.0);
        self.measure("typed  get Tide.level", |_| {
            black_box(world.resource::<Tide>().unwrap().level);
        });
    }

    fn paths(&self) {
        let world = self.world;
        let path = |text: &str| world.prepare_path(text).unwrap();
        let read = |text: &str| {
            let mut path = path(text);
            move |entity| {
                black_box(path.read::<f32>(world, entity).unwrap());
            }
        };
        self.measure("path   read Position.x as f32", read("Position.x"));
        self.measure("path   read Position.inner.depth as f32", read("Position.inner.depth"));
        let mut x = path("Position.x");
        self.measure("path   read Position.x as f64", |entity| {
            black_box(x.read::<f64>(world, entity).unwrap());
        });
        self.measure("path   write Position.x from f32", |entity| x.write(world, entity, 1.0_f32).unwrap());
        self.measure("path   write Position.x from i32", |entity| x.write(world, entity, 1).unwrap());
        let show = |name: &str, text: &str| {
            let mut path = path(text);
            self.measure(name, |entity| {
                path.with(world, entity, |value| {
                    black_box(value);
                })
                .unwrap();
            });
        };
        show("path   show Label.text, not copied", "Label.text");
        show("path   show Label.bytes, not copied", "Label.bytes");
        show("path   show Label.mood.Afraid.since", "Label.mood.Afraid.since");
        show("path   show Label.scores[\"anna\"]", "Label.scores[\"anna\"]");
        self.measure("bytes  read Position whole", |entity| {
            black_box(world.value(entity, "Position").unwrap().value().unwrap());
        });
        let mut mood = path("Label.mood");
        self.measure("bytes  write Label.mood, another variant", |entity| {
            mood.write(world, entity, "Calm").unwrap();
            mood.write(world, entity, "Afraid").unwrap();
        });
        let mut level = path("Tide.level");
        self.measure("path   read Tide.level as f32", |_| {
            black_box(level.read_resource::<f32>(world).unwrap());
        });
        self.measure("path   write Tide.level", |_| level.write_resource(world, 0.5).unwrap());
    }

    /// A component that no Rust type stands behind.
    fn defined(&self) {
        let world = self.world;
        let path = |text: &str| world.prepare_path(text).unwrap();
        for text in ["Health.left", "Health.at.1", "Health.most"] {
            let mut path = path(text);
            self.measure(&format!("defined  read {text} as f32"), |entity| {
                black_box(path.read::<f32>(world, entity).unwrap());
            });
        }
        let mut left = path("Health.left");
        self.measure("defined  write Health.left", |entity| left.write(world, entity, 1.0_f32).unwrap());
        let mut log = path("Health.log");
        self.measure("defined  show Health.log, not copied", |entity| {
            log.with(world, entity, |value| {
                black_box(value);
            })
            .unwrap();
        });
        self.measure("defined  write Health.log", |entity| log.write(world, entity, "hull").unwrap());
        self.measure("defined  read Health whole", |entity| {
            black_box(world.value(entity, "Health").unwrap().value().unwrap());
        });
    }

    fn rows(&self) {
        let mut terms = PreparedTerms::new("Position, Label".parse().unwrap());
        let mut paths = ["Position.x", "Label.text"].map(|text| PreparedPath::parse(text).unwrap());
        measure("query  two paths of each row", ENTITIES * REPEATS, || {
            for _ in 0..REPEATS {
                terms
                    .for_each_row(self.world, &mut paths, |row| {
                        black_box(row.read::<f32>(0).unwrap());
                        black_box(row.get(1));
                    })
                    .unwrap();
            }
        });
    }
}

fn measure(name: &str, count: usize, mut run: impl FnMut()) {
    if std::env::args().nth(1).is_some_and(|only| !name.contains(&only)) {
        return;
    }
    run();
    let mut rounds: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e9 / count as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    println!("{name:<45} {:6.1} ns   (least {:.1})", rounds[ROUNDS / 2], rounds[0]);
}
