//! The soak's game in all its versions: what stands in its sources.

use crate::gallery::{Fault, Place};

pub(super) const MODULE: &str = "systems/soak/src/lib.rs";
pub(super) const DATA: &str = "systems/soak-data/src/lib.rs";

/// A thing is born every so many steps.
pub(super) const BIRTH_EVERY: u64 = 8;
/// So many things live at most: with each one more the oldest dies.
pub(super) const THINGS: u64 = 300;
/// What `Thing::extra` is when it comes.
pub(super) const EXTRA: u64 = 7;

/// One version of the module, and of its data.
#[derive(Clone, Debug)]
pub(super) struct Code {
    /// Different in all that were ever written.
    pub(super) version: u64,
    pub(super) shape: Shape,
    /// How many systems there are beside `update`.
    pub(super) systems: u64,
    /// Whether the module has another field of its own.
    pub(super) has_more: bool,
    pub(super) wrong: Option<Wrong>,
}

/// Which of its fields `Thing` has.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Shape {
    pub(super) has_extra: bool,
    pub(super) has_note: bool,
}

/// Where the module goes wrong, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wrong {
    pub(super) fault: &'static Fault,
    pub(super) place: Place,
    /// In `update`, how many steps after the first.
    pub(super) after: u64,
}

impl Shape {
    pub(super) fn number(self) -> u64 {
        u64::from(self.has_extra) + 2 * u64::from(self.has_note)
    }

    /// The source of the crate of types.
    pub(super) fn source(self) -> String {
        let when = |is: bool, text: &'static str| if is { text } else { "" };
        DATA_SOURCE
            .replace("/*shape*/", &self.number().to_string())
            .replace("/*extra*/", when(self.has_extra, "#[keel(default = 7)]\n    pub extra: u64,"))
            .replace("/*extra made*/", when(self.has_extra, "extra: 7,"))
            .replace("/*extra tick*/", when(self.has_extra, "self.extra += 1;"))
            .replace(
                "/*note*/",
                when(self.has_note, "#[keel(default = \"new\".to_owned())]\n    pub note: String,"),
            )
            .replace("/*note made*/", when(self.has_note, "note: \"new\".to_owned(),"))
    }
}

impl Code {
    /// The source of the module.
    pub(super) fn source(&self) -> String {
        let more = if self.has_more { ("pub more: u64,", "self.more += 1;") } else { ("", "") };
        let system = |number| {
            format!(
                "setup.system(\"extra_{number}\", |frame: &mut Frame<'_>| count_run(frame.world));\n        "
            )
        };
        let systems: String = (0..self.systems).map(system).collect();
        let source = MODULE_SOURCE
            .replace("/*version*/", &self.version.to_string())
            .replace("/*more*/", more.0)
            .replace("/*more tick*/", more.1)
            .replace("/*systems*/", &systems)
            .replace("/*birth every*/", &BIRTH_EVERY.to_string())
            .replace("/*things*/", &THINGS.to_string());
        let Some(Wrong { fault, place, after }) = self.wrong else { return source };
        let when = match place {
            Place::Load | Place::RestoreState => String::new(),
            Place::Update => format!("if self.steps >= *SINCE.get_or_init(|| self.steps) + {after} "),
            Place::SaveState | Place::Drop => "if self.steps > 0 ".to_owned(),
        };
        let mark = format!("/*{}*/", place.name());
        assert!(source.contains(&mark));
        let source = source.replace(&mark, &format!("{when}{{ fault::go_wrong(self.steps); }}"));
        let since = "static SINCE: std::sync::OnceLock<u64> = std::sync::OnceLock::new();";
        let since = if place == Place::Update { since } else { "" };
        format!("{source}\n{since}\nmod fault {{\n{}\n}}\n", fault.source)
    }
}

pub(super) const TYPES_MANIFEST: &str = r#"[package]
name = "soak-data"
version.workspace = true
edition.workspace = true
publish = false

[dependencies]
keel = { workspace = true }

[package.metadata.keel]
kind = "types"
"#;

pub(super) const MODEL_MANIFEST: &str = r#"[package]
name = "soak-data-module"
version.workspace = true
edition.workspace = true
publish = false

[lib]
crate-type = ["dylib", "rlib"]

[dependencies]
keel = { workspace = true }
soak-data = { path = ".." }

[package.metadata.keel]
kind = "model"
"#;

pub(super) const MODULE_MANIFEST: &str = r#"[package]
name = "soak"
version.workspace = true
edition.workspace = true
publish = false

[lib]
crate-type = ["dylib", "rlib"]

[dependencies]
keel = { workspace = true }
soak-data = { path = "../soak-data" }

[package.metadata.keel]
kind = "view-model"
"#;

pub(super) const MODEL_SOURCE: &str =
    "//! Exports the data of the soak's game.\n\nkeel::export_module! { model: soak_data }\n";

const DATA_SOURCE: &str = r#"//! The data of the soak's game.

use keel::{component, data, resource};

/// Which fields a thing has.
pub const SHAPE: u64 = /*shape*/;

/// Something that lives for a while, and counts.
#[component]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thing {
    pub number: u64,
    pub born: u64,
    pub age: u64,
    pub weight: u64,
    /*extra*/
    /*note*/
}

impl Thing {
    pub fn new(number: u64, born: u64) -> Self {
        Self { number, born, /*extra made*/ /*note made*/ ..Self::default() }
    }

    pub fn tick(&mut self, version: u64) {
        self.age += 1;
        self.weight += version;
        /*extra tick*/
    }
}

/// A version of the module has run since a step.
#[data]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    pub version: u64,
    pub shape: u64,
    pub from: u64,
}

/// What has happened in the game.
#[resource]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    pub steps: u64,
    pub born: u64,
    pub runs: u64,
    pub entries: Vec<Entry>,
}

impl Ledger {
    pub fn step(&mut self, version: u64) {
        self.steps += 1;
        if self.entries.last().is_none_or(|last| (last.version, last.shape) != (version, SHAPE)) {
            self.entries.push(Entry { version, shape: SHAPE, from: self.steps });
        }
    }
}

keel::model! { components: [Thing], resources: [Ledger] }
"#;

const MODULE_SOURCE: &str = r#"//! Keeps the books of the soak's game.

use keel::prelude::*;
use keel::state::{Change, SavedValue, StateError};
use soak_data::{Ledger, Thing};

const VERSION: u64 = /*version*/;

#[data]
#[derive(Default)]
pub struct Soak {
    pub steps: u64,
    /*more*/
}

#[view_model]
impl ViewModel for Soak {
    async fn load(&mut self, _context: &ModuleContext) -> ModuleResult {
        /*load*/
        Ok(())
    }

    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        let _ = &setup;
        /*systems*/
        Ok(())
    }

    async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        frame.world.insert_resource(Ledger::default())?;
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        /*update*/
        self.steps += 1;
        /*more tick*/
        keep_books(frame.world)
    }

    fn save_state(&self) -> Result<SavedValue, StateError> {
        /*save_state*/
        SavedValue::of(self)
    }

    fn restore_state(&mut self, saved: &SavedValue, accept_loss: bool) -> Result<Vec<Change>, StateError> {
        let (restored, changes) = saved.restore::<Self>(accept_loss)?;
        *self = restored;
        /*restore_state*/
        Ok(changes)
    }
}

impl Drop for Soak {
    fn drop(&mut self) {
        /*drop*/
    }
}

/// Whoever is alive gets older, and now and then one is born and one dies.
fn keep_books(world: &mut World) -> ModuleResult {
    let (steps, number) = {
        let mut ledger = world.resource_mut::<Ledger>()?;
        ledger.step(VERSION);
        let number = ledger.born;
        let is_birth = ledger.steps % /*birth every*/ == 0;
        ledger.born += u64::from(is_birth);
        (ledger.steps, is_birth.then_some(number))
    };
    let mut oldest = None;
    let dies = number.and_then(|number| number.checked_sub(/*things*/));
    world.query::<(Entity, &mut Thing)>().for_each(|(entity, thing)| {
        thing.tick(VERSION);
        if Some(thing.number) == dies {
            oldest = Some(entity);
        }
    });
    if let Some(oldest) = oldest {
        let _ = world.despawn(oldest);
    }
    if let Some(number) = number {
        world.spawn((Thing::new(number, steps),));
    }
    Ok(())
}

#[allow(dead_code, reason = "for the systems that come and go")]
fn count_run(world: &mut World) {
    if let Ok(mut ledger) = world.resource_mut::<Ledger>() {
        ledger.runs += 1;
    }
}

keel::export_module! { view_model: Soak, models: [soak_data] }
"#;
