//! Components that are defined at run time, against plain maps: random definitions, values, swaps and files.

use std::collections::BTreeMap;
use std::sync::Arc;

use keel_ecs::{
    ComponentDefinition, EcsError, Entity, ModelTypeInfo, QueryTerms, World, WorldConversion, WorldSnapshot,
};
use keel_state::Value;
use proptest::prelude::*;

use crate::{new_world, save, through_a_file, types};

/// A module's type that takes the first component over.
#[keel_ecs::component(crate = keel_ecs, name = "C0")]
#[derive(Clone, Debug, PartialEq)]
struct Taken {
    number: i64,
    texts: Vec<String>,
    #[keel(default = [0, 0])]
    row: [u8; 2],
}

const NAMES: [&str; 2] = ["C0", "C1"];

/// The fields of each version.
const VERSIONS: [&[&str]; 4] = [
    &["number", "texts"],
    &["mood", "texts", "number"],
    &["number", "row", "texts", "mood"],
    &["texts", "row"],
];

/// Those of [`Taken`].
const TAKEN: &[&str] = &["number", "texts", "row"];

fn type_of(field: &str) -> &'static str {
    match field {
        "number" => "i64",
        "texts" => "Vec<String>",
        "row" => "[u8; 2]",
        _ => "Mood",
    }
}

fn default_of(field: &str) -> Plain {
    match field {
        "number" => Plain::Number(0),
        "texts" => Plain::Texts(Vec::new()),
        "row" => Plain::Row([0, 0]),
        _ => Plain::Mood(None),
    }
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
enum Plain {
    Number(i64),
    Texts(Vec<String>),
    Row([u8; 2]),
    /// Since when it is afraid.
    Mood(Option<u16>),
}

impl Plain {
    /// Any value of this field.
    fn of(field: &str, seed: u16) -> Self {
        match default_of(field) {
            Self::Number(_) => Self::Number(i64::from(seed) - 500),
            Self::Texts(_) => Self::Texts((0..seed % 4).map(|number| "ab".repeat(number.into())).collect()),
            Self::Row(_) => Self::Row([seed as u8, (seed / 3) as u8]),
            Self::Mood(_) => Self::Mood(seed.is_multiple_of(2).then_some(seed)),
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Number(number) => Value::Signed((*number).into()),
            Self::Texts(texts) => Value::from(texts.clone()),
            Self::Row(row) => Value::from(row.to_vec()),
            Self::Mood(None) => "Calm".into(),
            Self::Mood(Some(since)) => Value::variant("Afraid", [("since", (*since).into())]),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Texts(texts) => format!("{texts:?}"),
            Self::Row(row) => format!("{row:?}"),
            Self::Mood(None) => "Calm".to_owned(),
            Self::Mood(Some(since)) => format!("Afraid {{ since: {since} }}"),
        }
    }
}

type Fields = BTreeMap<&'static str, Plain>;

/// What stands behind a name.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Behind {
    Nothing,
    /// The fields in their order.
    Definition(&'static [&'static str]),
    Module,
    /// The module has gone.
    Kept,
}

#[derive(Clone, Debug)]
struct Component {
    behind: Behind,
    /// Of a component that is kept aside also those of entities that have gone since.
    values: BTreeMap<Entity, Fields>,
}

/// The plain model.
#[derive(Clone, Debug)]
struct Model {
    entities: Vec<Entity>,
    components: [Component; 2],
}

#[derive(Clone, Debug)]
enum Op {
    Spawn,
    Despawn(u16),
    Define {
        component: usize,
        version: usize,
        consent: bool,
    },
    Insert {
        component: usize,
        entity: u16,
        seed: u16,
        given: u8,
    },
    Remove {
        component: usize,
        entity: u16,
    },
    SetField {
        component: usize,
        entity: u16,
        field: u8,
        seed: u16,
    },
    /// An element, or the payload of a variant: what is there now.
    SetInside {
        component: usize,
        entity: u16,
        field: u8,
        seed: u16,
    },
    /// These, undone.
    Undone(Vec<Op>),
    File,
    /// Swaps, with or without the module that has the first component.
    Swap {
        with_module: bool,
        consent: bool,
    },
    Register,
    Rebuild,
}

fn any_change() -> impl Strategy<Value = Op> {
    let (component, entity, field, seed) = (0..2_usize, any::<u16>(), any::<u8>(), 0..1000_u16);
    prop_oneof![
        2 => Just(Op::Spawn),
        1 => entity.prop_map(Op::Despawn),
        5 => (component.clone(), entity, seed.clone(), field)
            .prop_map(|(component, entity, seed, given)| Op::Insert { component, entity, seed, given }),
        1 => (component.clone(), entity).prop_map(|(component, entity)| Op::Remove { component, entity }),
        3 => (component.clone(), entity, field, seed.clone())
            .prop_map(|(component, entity, field, seed)| Op::SetField { component, entity, field, seed }),
        3 => (component, entity, field, seed)
            .prop_map(|(component, entity, field, seed)| Op::SetInside { component, entity, field, seed }),
    ]
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => any_change(),
        4 => (0..2_usize, 0..4_usize, any::<bool>())
            .prop_map(|(component, version, consent)| Op::Define { component, version, consent }),
        1 => prop::collection::vec(any_change(), 1..6).prop_map(Op::Undone),
        1 => Just(Op::File),
        2 => (any::<bool>(), any::<bool>())
            .prop_map(|(with_module, consent)| Op::Swap { with_module, consent }),
        1 => Just(Op::Register),
        1 => Just(Op::Rebuild),
    ]
}

fn definition(name: &str, fields: &[&str], consent: bool) -> ComponentDefinition {
    let declared: String = fields.iter().map(|field| format!("{field}: {}, ", type_of(field))).collect();
    let text = format!("struct {name} {{ {declared} }} enum Mood {{ Calm, Afraid {{ since: u16 }} }}");
    let mut definition = ComponentDefinition::parse(&text).unwrap();
    if fields.contains(&"mood") {
        definition = definition.with_default(&Value::named([("mood", "Calm".into())])).unwrap();
    }
    if consent { definition.accept_losses() } else { definition }
}

/// Values as others are, with these fields.
fn migrated(values: &BTreeMap<Entity, Fields>, fields: &[&'static str]) -> BTreeMap<Entity, Fields> {
    let migrate = |old: &Fields| -> Fields {
        let of = |field: &&'static str| old.get(field).cloned().unwrap_or_else(|| default_of(field));
        fields.iter().map(|field| (*field, of(field))).collect()
    };
    values.iter().map(|(entity, old)| (*entity, migrate(old))).collect()
}

fn loses(values: &BTreeMap<Entity, Fields>, fields: &[&'static str]) -> bool {
    values.values().any(|old| old.keys().any(|field| !fields.contains(field)))
}

fn infos(with_module: bool) -> Vec<Arc<ModelTypeInfo>> {
    let module = with_module.then(ModelTypeInfo::component::<Taken>);
    types().into_iter().chain(module).map(Arc::new).collect()
}

impl Model {
    fn new() -> Self {
        let nothing = Component { behind: Behind::Nothing, values: BTreeMap::new() };
        Self { entities: Vec::new(), components: [nothing.clone(), nothing] }
    }

    fn pick(&self, entity: u16) -> Option<Entity> {
        let count = self.entities.len();
        (count > 0).then(|| self.entities[usize::from(entity) % count])
    }

    fn fields(&self, component: usize) -> Option<&'static [&'static str]> {
        match self.components[component].behind {
            Behind::Definition(fields) => Some(fields),
            Behind::Module => Some(TAKEN),
            Behind::Nothing | Behind::Kept => None,
        }
    }

    /// Does it to the world and to the model; both must agree on whether it can be done.
    fn apply(&mut self, world: &mut World, op: &Op) {
        match op {
            Op::Spawn => self.entities.push(world.spawn(())),
            Op::Despawn(entity) => {
                let Some(entity) = self.pick(*entity) else { return };
                world.despawn(entity).unwrap();
                self.entities.retain(|known| *known != entity);
                for component in &mut self.components {
                    if component.behind != Behind::Kept {
                        component.values.remove(&entity);
                    }
                }
            }
            Op::Define { component, version, consent } => self.define(world, *component, *version, *consent),
            Op::Insert { component, entity, seed, given } => {
                let Some(entity) = self.pick(*entity) else { return };
                self.insert(world, *component, entity, *seed, *given);
            }
            Op::Remove { component, entity } => {
                let Some(entity) = self.pick(*entity) else { return };
                let removed = world.remove_value(entity, NAMES[*component]);
                let is_known = self.fields(*component).is_some();
                let expected = is_known && self.components[*component].values.remove(&entity).is_some();
                assert_eq!(removed.is_ok(), expected);
            }
            Op::SetField { component, entity, field, seed } => {
                let Some((entity, field)) = self.place(*component, *entity, *field) else { return };
                let plain = Plain::of(field, *seed);
                let path = format!("{}.{field}", NAMES[*component]);
                world.write_path(entity, &path, &plain.value()).unwrap();
                self.components[*component].values.get_mut(&entity).unwrap().insert(field, plain);
            }
            Op::SetInside { component, entity, field, seed } => {
                let Some((entity, field)) = self.place(*component, *entity, *field) else { return };
                self.set_inside(world, *component, entity, field, *seed);
            }
            Op::Undone(ops) => {
                let mut trial = self.clone();
                let undone = world.transaction(|world| {
                    ops.iter().for_each(|op| trial.apply(world, op));
                    Err::<(), ()>(())
                });
                assert!(undone.is_err());
            }
            Op::File => *world = self.through_a_file(world),
            Op::Swap { with_module, consent } => self.swap(world, *with_module, *consent),
            Op::Register => self.register(world),
            Op::Rebuild => world.rebuild().unwrap(),
        }
    }

    /// An entity that has the component, and a field of it.
    fn place(&self, component: usize, entity: u16, field: u8) -> Option<(Entity, &'static str)> {
        let fields = self.fields(component)?;
        let values: Vec<_> = self.components[component].values.keys().collect();
        let entity = values.get(usize::from(entity).checked_rem(values.len())?)?;
        Some((**entity, fields[usize::from(field) % fields.len()]))
    }

    fn define(&mut self, world: &mut World, component: usize, version: usize, consent: bool) {
        let fields = VERSIONS[version];
        let defined = world.define_component(&definition(NAMES[component], fields, consent));
        let known = &mut self.components[component];
        if known.behind == Behind::Module {
            assert!(matches!(defined, Err(EcsError::NameTaken { .. })));
            return;
        }
        if loses(&known.values, fields) && !consent {
            assert!(
                matches!(defined, Err(EcsError::Redefinition { .. } | EcsError::State(_))),
                "{defined:?}"
            );
            return;
        }
        defined.unwrap();
        known.values = migrated(&known.values, fields);
        // What was kept aside for entities that have gone since goes now.
        known.values.retain(|entity, _| self.entities.contains(entity));
        known.behind = Behind::Definition(fields);
    }

    fn insert(&mut self, world: &mut World, component: usize, entity: Entity, seed: u16, given: u8) {
        let Some(fields) = self.fields(component) else {
            assert!(world.insert_named(entity, NAMES[component], &[]).is_err());
            return;
        };
        let is_module = self.components[component].behind == Behind::Module;
        let mut value = Fields::new();
        let mut named = Vec::new();
        for (place, field) in fields.iter().enumerate() {
            let is_given = is_module || given & (1 << place) != 0;
            let plain = if is_given { Plain::of(field, seed) } else { default_of(field) };
            if is_given {
                named.push((*field, plain.value()));
            }
            value.insert(field, plain);
        }
        world.insert_named(entity, NAMES[component], &named).unwrap();
        self.components[component].values.insert(entity, value);
    }

    fn set_inside(&mut self, world: &mut World, component: usize, entity: Entity, field: &str, seed: u16) {
        let path = format!("{}.{field}", NAMES[component]);
        let plain = self.components[component].values.get_mut(&entity).unwrap().get_mut(field).unwrap();
        match plain {
            Plain::Number(number) => {
                *number = seed.into();
                world.write_path(entity, &path, seed).unwrap();
            }
            Plain::Texts(texts) => {
                let index = usize::from(seed % 3);
                let written = world.write_path(entity, &format!("{path}[{index}]"), "new");
                assert_eq!(written.is_ok(), index < texts.len());
                texts.iter_mut().skip(index).take(1).for_each(|text| *text = "new".to_owned());
            }
            Plain::Row(row) => {
                let written = world.write_path(entity, &format!("{path}[1]"), seed);
                assert_eq!(written.is_ok(), seed < 256);
                row[1] = u8::try_from(seed).unwrap_or(row[1]);
            }
            Plain::Mood(since) => {
                let written = world.write_path(entity, &format!("{path}.Afraid.since"), seed);
                assert_eq!(written.is_ok(), since.is_some());
                *since = since.map(|_| seed);
            }
        }
    }

    /// Saved, and restored into a world that knows what modules have.
    fn through_a_file(&self, world: &World) -> World {
        let snapshot: WorldSnapshot = through_a_file(&save(world));
        let with_module = self.components[0].behind == Behind::Module;
        let (restored, report) = World::from_snapshot(infos(with_module), &snapshot, false).unwrap();
        assert_eq!(report.converted, 0);
        assert_eq!(restored.hash().unwrap(), world.hash().unwrap());
        restored
    }

    fn swap(&mut self, world: &mut World, with_module: bool, consent: bool) {
        let mut conversion = WorldConversion::of(std::mem::take(world));
        let made = conversion.make(infos(with_module), consent);
        let first = &mut self.components[0];
        if with_module && loses(&first.values, TAKEN) && !consent {
            assert!(made.is_err());
            *world = conversion.undo();
            return;
        }
        made.unwrap();
        let (next, replaced) = conversion.accept();
        *world = next;
        drop(replaced);
        if with_module {
            self.taken_over();
        } else if first.behind == Behind::Module {
            let is_kept = !first.values.is_empty();
            first.behind = if is_kept { Behind::Kept } else { Behind::Nothing };
        }
    }

    /// The module comes without a swap that converts.
    fn register(&mut self, world: &mut World) {
        let registered = world.register(ModelTypeInfo::component::<Taken>());
        if loses(&self.components[0].values, TAKEN) {
            assert!(matches!(registered, Err(EcsError::Redefinition { .. } | EcsError::State(_))));
            return;
        }
        registered.unwrap();
        self.taken_over();
    }

    fn taken_over(&mut self) {
        let first = &mut self.components[0];
        first.values = migrated(&first.values, TAKEN);
        first.values.retain(|entity, _| self.entities.contains(entity));
        first.behind = Behind::Module;
    }

    fn check(&self, world: &World) {
        for (component, name) in self.components.iter().zip(NAMES) {
            let fields = match component.behind {
                Behind::Definition(fields) => fields,
                Behind::Module => TAKEN,
                Behind::Nothing | Behind::Kept => {
                    assert!(world.component_named(name).is_err());
                    // An archetype without entities is kept aside, too.
                    let is_kept = world.kept_types().any(|kept| kept == name);
                    assert!(is_kept || component.behind == Behind::Nothing);
                    continue;
                }
            };
            let is_defined = component.behind != Behind::Module;
            assert_eq!(world.component_named(name).unwrap().is_defined(), is_defined);
            let of_module = if is_defined { name } else { "Taken" };
            let mut found = world.entities_matching(&name.parse::<QueryTerms>().unwrap()).unwrap();
            found.sort_unstable();
            assert_eq!(found, component.values.keys().copied().collect::<Vec<_>>());
            for (entity, values) in &component.values {
                let shown: Vec<_> =
                    fields.iter().map(|field| format!("{field}: {}", values[field].shown())).collect();
                let expected = format!("{of_module} {{ {} }}", shown.join(", "));
                assert_eq!(world.value(*entity, name).unwrap().display().unwrap(), expected);
            }
        }
        assert_eq!(world.len(), self.entities.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn defined_components_are_what_plain_maps_are(ops in prop::collection::vec(any_op(), 1..48)) {
        let (mut world, mut model) = (new_world(), Model::new());
        for op in &ops {
            model.apply(&mut world, op);
            model.check(&world);
        }
    }
}
