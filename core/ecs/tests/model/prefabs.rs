//! Prefabs: what is spawned of them, and what becomes of it when they are defined anew.

use std::collections::BTreeMap;

use keel_ecs::{
    Commands, Component, EcsError, Entity, ModelTypeInfo, Name, Prefab, PrefabPart, World, WorldSnapshot,
    component,
};

#[component(crate = keel_ecs)]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Hull {
    strength: u32,
}

#[component(crate = keel_ecs)]
#[derive(Clone, Debug, PartialEq)]
struct Crew {
    names: Vec<String>,
}

#[component(crate = keel_ecs, sparse)]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Lit {
    hue: u8,
}

#[component(crate = keel_ecs)]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sail {
    area: f32,
}

fn types() -> Vec<ModelTypeInfo> {
    vec![
        ModelTypeInfo::component::<Hull>(),
        ModelTypeInfo::component::<Crew>(),
        ModelTypeInfo::component::<Lit>(),
        ModelTypeInfo::component::<Sail>(),
    ]
}

fn world() -> World {
    let mut world = World::new();
    types().into_iter().for_each(|info| world.register(info).unwrap());
    world
}

fn hull(strength: u32) -> Hull {
    Hull { strength }
}

/// A ship with a mast, which has a flag.
fn ship(strength: u32) -> Prefab {
    let flag = Prefab::new().with((Lit { hue: 7 },));
    let mast = Prefab::new().with((Sail { area: 2.0 },)).child("flag", flag);
    let crew = Crew { names: vec!["Ann".to_owned()] };
    Prefab::new().with((hull(strength), crew)).child("mast", mast)
}

fn get<T: Component + Copy>(world: &World, entity: Entity) -> T {
    *world.get::<T>(entity).unwrap()
}

#[test]
fn instances_have_the_prefabs_components_and_children_and_their_overrides() {
    let mut world = world();
    world.define_prefab("ship", &ship(10)).unwrap();
    assert_eq!(world.prefabs(), ["ship"]);
    let plain = world.spawn_prefab("ship", ()).unwrap();
    let named = world.spawn_prefab("ship", (Name::new("Ann"), hull(90), Lit { hue: 1 })).unwrap();
    let by_text = world.spawn_prefab_named("ship", &[("Hull", &[("strength", 5.into())])]).unwrap();
    let strength = |world: &World, entity| get::<Hull>(world, entity).strength;
    assert_eq!([plain, named, by_text].map(|entity| strength(&world, entity)), [10, 90, 5]);
    assert_eq!((get::<Lit>(&world, named).hue, world.name(named).as_deref()), (1, Some("Ann")));
    assert_eq!(world.get::<Crew>(by_text).unwrap().names, ["Ann"]);
    assert_eq!(world.len(), 9);

    let mast = world.prefab_part(named, "mast").unwrap();
    let flag = world.prefab_part(named, "mast/flag").unwrap();
    assert_eq!((world.parent(flag), world.parent(mast)), (Some(mast), Some(named)));
    assert_eq!((get::<Sail>(&world, mast).area, get::<Lit>(&world, flag).hue), (2.0, 7));
    assert_eq!(world.prefab_part(named, "rudder"), None);
    assert_eq!(world.prefab_part(named, ""), Some(named));
    assert_eq!(world.prefab_of(flag), Some(("ship".to_owned(), "mast/flag".to_owned())));
    assert_eq!(world.prefab_instances("ship"), [plain, by_text, named]);
    world.despawn(named).unwrap();
    assert_eq!(world.len(), 6);

    let mut commands = Commands::new();
    commands.spawn_prefab("ship", (hull(3),));
    commands.spawn_prefab("raft", ());
    let failed = commands.apply(&mut world);
    assert_eq!(failed.len(), 1);
    assert_eq!(
        failed[0].to_string(),
        "there is no prefab `raft`, there are: ship; define it in the module's `register`"
    );
    assert_eq!(world.prefab_instances("ship").len(), 3);
}

#[test]
fn what_is_unchanged_in_an_instance_follows_and_what_was_changed_stays() {
    let mut world = world();
    world.define_prefab("ship", &ship(10)).unwrap();
    let plain = world.spawn_prefab("ship", ()).unwrap();
    let strong = world.spawn_prefab("ship", (hull(90),)).unwrap();
    let busy = world.spawn_prefab("ship", ()).unwrap();
    world.get_mut::<Crew>(busy).unwrap().names.push("Bob".to_owned());
    let stranger = world.spawn((hull(10),));

    let crew = Crew { names: vec!["Eve".to_owned()] };
    let update = world.define_prefab("ship", &ship(20).with((crew, Lit { hue: 3 }))).unwrap();
    assert_eq!(
        update.to_string(),
        "prefab `ship` in 3 instances: 4 components updated, 3 added, 0 removed, 2 kept as they were changed; 0 children \
         added, 0 removed"
    );
    assert_eq!(
        [plain, strong, busy, stranger].map(|entity| get::<Hull>(&world, entity).strength),
        [20, 90, 20, 10]
    );
    let crews = [plain, strong, busy].map(|entity| world.get::<Crew>(entity).unwrap().names.join(" "));
    assert_eq!(crews, ["Eve", "Eve", "Ann Bob"]);
    assert_eq!(get::<Lit>(&world, strong).hue, 3);

    // The mast goes where nobody has touched it, the light goes, and a rudder comes.
    world.insert(world.prefab_part(busy, "mast").unwrap(), (Sail { area: 9.0 },)).unwrap();
    let crew = Crew { names: vec!["Eve".to_owned()] };
    let next =
        Prefab::new().with((hull(20), crew)).child("rudder", Prefab::new().with((Sail { area: 0.5 },)));
    let update = world.define_prefab("ship", &next).unwrap();
    assert_eq!((update.removed, update.spawned, update.despawned), (3, 3, 5), "two masts, three flags");
    assert!(!world.has::<Lit>(plain) && world.prefab_part(plain, "mast").is_none());
    assert!(world.prefab_part(busy, "mast").is_some() && world.prefab_part(busy, "mast/flag").is_none());
    let rudder = world.prefab_part(plain, "rudder").unwrap();
    assert_eq!((get::<Sail>(&world, rudder).area, world.parent(rudder)), (0.5, Some(plain)));

    assert!(world.define_prefab("ship", &next).unwrap().is_empty(), "nothing is new");
    // One that follows no more.
    world.remove::<(PrefabPart,)>(plain).unwrap();
    let update = world.define_prefab("ship", &next.with((hull(40),))).unwrap();
    assert_eq!(
        (update.instances, get::<Hull>(&world, plain).strength, get::<Hull>(&world, busy).strength),
        (2, 20, 40)
    );
}

#[test]
fn definitions_are_saved_with_their_instances_and_shared_by_worlds_alike() {
    let mut first = world();
    first.define_prefab("ship", &ship(10)).unwrap();
    let plain = first.spawn_prefab("ship", ()).unwrap();
    let strong = first.spawn_prefab("ship", (hull(90),)).unwrap();
    let mut snapshot = WorldSnapshot::new();
    first.save(&mut snapshot).unwrap();
    let infos = World::own_types().chain(types().into_iter().map(std::sync::Arc::new));
    let (mut restored, _) = World::from_snapshot(infos, &snapshot, false).unwrap();
    assert_eq!(restored.hash().unwrap(), first.hash().unwrap());
    let update = restored.define_prefab("ship", &ship(20)).unwrap();
    assert_eq!((update.instances, update.updated, update.kept), (2, 1, 1));
    assert_eq!([plain, strong].map(|entity| get::<Hull>(&restored, entity).strength), [20, 90]);

    let mut alike = first.alike();
    let other = alike.spawn_prefab("ship", ()).unwrap();
    assert_eq!(get::<Hull>(&alike, other).strength, 10);
    alike.define_prefab("ship", &ship(5)).unwrap();
    assert_eq!(get::<Hull>(&first, plain).strength, 10, "each goes its own way");
}

mod wider {
    use keel_ecs::component;

    #[component(crate = keel_ecs)]
    pub(super) struct Hull {
        pub(super) strength: u64,
        #[keel(default = 3)]
        pub(super) decks: u8,
    }
}

#[test]
fn instances_follow_when_the_type_of_a_component_has_changed_as_well() {
    let mut old = world();
    old.define_prefab("ship", &ship(10)).unwrap();
    let plain = old.spawn_prefab("ship", ()).unwrap();
    let strong = old.spawn_prefab("ship", (hull(90),)).unwrap();
    let mut snapshot = WorldSnapshot::new();
    old.save(&mut snapshot).unwrap();
    let infos = types().into_iter().skip(1).chain([ModelTypeInfo::component::<wider::Hull>()]);
    let infos = World::own_types().chain(infos.into_iter().map(std::sync::Arc::new));
    let (mut world, _) = World::from_snapshot(infos, &snapshot, false).unwrap();
    // Of the old definition, which is as old as the values were.
    let another = world.spawn_prefab("ship", ()).unwrap();
    assert_eq!(world.get::<wider::Hull>(another).unwrap().decks, 3);
    let next = Prefab::new().with((wider::Hull { strength: 20, decks: 4 },));
    let update = world.define_prefab("ship", &next).unwrap();
    assert_eq!((update.updated, update.kept), (2, 1), "{update}");
    let hull = |entity| world.get::<wider::Hull>(entity).map(|hull| (hull.strength, hull.decks)).unwrap();
    assert_eq!([plain, another, strong].map(hull), [(20, 4), (20, 4), (90, 3)]);
}

#[component(crate = keel_ecs)]
struct Unheard {}

#[test]
fn a_prefab_that_can_not_be_is_refused_by_name_and_changes_nothing() {
    let mut world = world();
    world.define_prefab("ship", &ship(10)).unwrap();
    let plain = world.spawn_prefab("ship", ()).unwrap();
    let before = world.hash().unwrap();
    let mut check = |prefab: &Prefab, expected: &str| {
        let refused = world.define_prefab("ship", prefab).unwrap_err().to_string();
        assert!(refused.starts_with(expected), "{refused}");
    };
    let mast = Prefab::new().with((Unheard {},));
    check(
        &ship(20).child("mast", mast),
        "child `mast` of prefab `ship`, `Unheard`: type `Unheard` is not registered",
    );
    check(&ship(20).with_named("Hull", &[("colour", 1.into())]), "prefab `ship`, `Hull`: ");
    check(&ship(20).with_named("Sale", &[]), "prefab `ship`, `Sale`: type `Sale` is not registered");
    check(&ship(20).child("a/b", Prefab::new()), "prefab `ship`, `a/b`: a child is found by its name");
    assert_eq!((world.hash().unwrap(), get::<Hull>(&world, plain).strength), (before, 10));
    assert!(world.spawn_prefab_named("ship", &[("Hull", &[("colour", 1.into())])]).is_err());
    assert_eq!(world.hash().unwrap(), before);
}

#[test]
fn instances_of_a_removed_prefab_stay_and_follow_when_it_comes_back() {
    let mut world = world();
    world.define_prefab("ship", &ship(10)).unwrap();
    let plain = world.spawn_prefab("ship", ()).unwrap();
    assert!(world.remove_prefab("ship"));
    assert!(!world.remove_prefab("ship") && !world.remove_prefab("raft"));
    assert!(matches!(world.spawn_prefab("ship", ()), Err(EcsError::NoSuchPrefab { .. })));
    assert_eq!((world.prefabs().len(), world.len(), get::<Hull>(&world, plain).strength), (0, 3, 10));
    world.define_prefab("ship", &ship(20)).unwrap();
    assert_eq!((world.prefabs().len(), get::<Hull>(&world, plain).strength), (1, 20));
}

/// The values of one entity, by component: what a plain model keeps of it.
type Values = BTreeMap<&'static str, u32>;

const KINDS: [&str; 3] = ["Hull", "Lit", "Sail"];

fn prefab_of(values: &Values) -> Prefab {
    values.iter().fold(Prefab::new(), |prefab, (kind, value)| match *kind {
        "Hull" => prefab.with((hull(*value),)),
        "Lit" => prefab.with((Lit { hue: *value as u8 },)),
        _ => prefab.with((Sail { area: *value as f32 },)),
    })
}

fn values_of(world: &World, entity: Entity) -> Values {
    let hull = world.get::<Hull>(entity).map(|hull| ("Hull", hull.strength));
    let lit = world.get::<Lit>(entity).map(|lit| ("Lit", u32::from(lit.hue)));
    let sail = world.get::<Sail>(entity).map(|sail| ("Sail", sail.area as u32));
    [hull.ok(), lit.ok(), sail.ok()].into_iter().flatten().collect()
}

#[test]
fn any_history_of_definitions_and_changes_ends_as_in_a_plain_model() {
    for seed in 0..60 {
        let mut random = crate::Random::new(seed);
        let mut world = world();
        let mut definition: Option<Values> = None;
        let mut model: Vec<(Entity, Values)> = Vec::new();
        for _ in 0..60 {
            match random.below(6) {
                0 => {
                    let kinds = KINDS.into_iter().filter(|_| random.below(2) == 0).collect::<Vec<_>>();
                    let next: Values = kinds.into_iter().map(|kind| (kind, random.below(3))).collect();
                    world.define_prefab("thing", &prefab_of(&next)).unwrap();
                    for (_, values) in &mut model {
                        let old = definition.as_ref().unwrap();
                        for kind in KINDS {
                            if old.get(kind) == next.get(kind) || values.get(kind) != old.get(kind) {
                                continue;
                            }
                            match next.get(kind) {
                                Some(value) => drop(values.insert(kind, *value)),
                                None => drop(values.remove(kind)),
                            }
                        }
                    }
                    definition = Some(next);
                }
                1 | 2 if definition.is_some() => {
                    let mut values = definition.clone().unwrap();
                    let entity = if random.below(2) == 0 {
                        let strength = random.below(3);
                        values.insert("Hull", strength);
                        world.spawn_prefab("thing", (hull(strength),)).unwrap()
                    } else {
                        world.spawn_prefab("thing", ()).unwrap()
                    };
                    model.push((entity, values));
                }
                _ if !model.is_empty() => {
                    let place = random.below(model.len() as u32) as usize;
                    let (entity, values) = &mut model[place];
                    let value = random.below(3);
                    match random.below(3) {
                        0 => {
                            world.insert(*entity, (Lit { hue: value as u8 },)).unwrap();
                            values.insert("Lit", value);
                        }
                        1 if values.remove("Sail").is_some() => {
                            world.remove::<(Sail,)>(*entity).unwrap();
                        }
                        _ => {
                            world.insert(*entity, (hull(value),)).unwrap();
                            values.insert("Hull", value);
                        }
                    }
                }
                _ => {}
            }
            for (entity, values) in &model {
                assert_eq!(&values_of(&world, *entity), values, "seed {seed}");
            }
        }
    }
}
