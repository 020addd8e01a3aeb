//! The modules that the tests load.

use std::path::PathBuf;

use keel_fixture::Fixture;

/// The module `swim`: it counts its steps, leaves the mark `LABEL at STEPS` in the world, and provides a picture whose
/// title is its label.
#[derive(Clone)]
pub(crate) struct Swim {
    label: String,
    fields: String,
    rules: Vec<(&'static str, String)>,
}

const TEMPLATE: &str = r#"
use keel::console::{Key, Picture, PictureView};
use keel::prelude::*;
use keel::state::{Change, SavedValue, StateError};

#[data]
#[derive(Default)]
pub struct Swim {
    pub steps: u64,
    //FIELDS
}

struct Title;

impl PictureView for Title {
    fn title(&self) -> String {
        "LABEL".to_owned()
    }
    fn draw(&self, _: &World, _: &dyn ViewSource, _: f32, _: &mut Picture) {}
    fn key(&self, _: &World, _: &dyn ViewSource, _: Key) -> bool {
        false
    }
}

#[view_model]
impl ViewModel for Swim {
    async fn load(&mut self, context: &ModuleContext) -> ModuleResult {
        let _ = context;
        //LOAD
        Ok(())
    }

    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup.provide::<dyn PictureView>(Box::new(Title));
        setup.system("LABEL", |_: &mut Frame<'_>| {});
        //REGISTER
        Ok(())
    }

    async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        frame.world.spawn((Name::new("LABEL started"),));
        //START
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        self.steps += 1;
        //UPDATE
        frame.world.spawn((Name::new(format!("LABEL at {}", self.steps)),));
        Ok(())
    }

    async fn stop(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        frame.world.spawn((Name::new("LABEL stopped"),));
        //STOP
        Ok(())
    }

    fn save_state(&self) -> Result<SavedValue, StateError> {
        //SAVE_STATE
        SavedValue::of(self)
    }

    fn restore_state(&mut self, saved: &SavedValue, accept_loss: bool) -> Result<Vec<Change>, StateError> {
        //RESTORE_STATE
        let (restored, changes) = saved.restore::<Self>(accept_loss)?;
        *self = restored;
        Ok(changes)
    }
}
//ITEMS

keel::export_module! { view_model: Swim, provides: [dyn PictureView] }
"#;

impl Swim {
    pub(crate) fn new(label: &str) -> Self {
        Self { label: label.to_owned(), fields: String::new(), rules: Vec::new() }
    }

    /// Adds fields to its state.
    pub(crate) fn fields(mut self, fields: &str) -> Self {
        fields.clone_into(&mut self.fields);
        self
    }

    /// Puts code in the place of `//PLACE`.
    pub(crate) fn at(mut self, place: &'static str, code: &str) -> Self {
        self.rules.push((place, code.to_owned()));
        self
    }

    /// Replaces text of the source.
    pub(crate) fn replace(self, text: &'static str, by: &str) -> Self {
        self.at(text, by)
    }

    pub(crate) fn source(&self) -> String {
        let mut source = TEMPLATE.replace("//FIELDS", &self.fields);
        for (place, code) in &self.rules {
            let marker = format!("//{place}\n");
            let marker = if source.contains(&marker) { marker } else { (*place).to_owned() };
            assert!(source.contains(&marker), "there is no {marker}");
            source = source.replace(&marker, &format!("{code}\n"));
        }
        source.replace("LABEL", &self.label)
    }

    pub(crate) fn build(&self) -> PathBuf {
        self.build_as("swim")
    }

    /// The same module as another package.
    pub(crate) fn build_as(&self, package: &str) -> PathBuf {
        Fixture::module(package).source(self.source()).build()
    }
}

/// A game's types, as an rlib.
pub(crate) fn types(source: &str) -> PathBuf {
    Fixture::types("game-types").source(source).build()
}

/// The Model module that exports them.
pub(crate) fn model(types: &std::path::Path) -> PathBuf {
    let source = "keel::export_module! { model: game_types }";
    Fixture::module("game-model").source(source).with("game_types", types).build()
}

/// A view-model module compiled with these types, without views.
pub(crate) fn user(package: &str, types: &std::path::Path, update: &str) -> PathBuf {
    let source = r#"
use keel::prelude::*;
use game_types::*;

#[data]
#[derive(Default)]
pub struct User {
    pub steps: u64,
}

#[view_model]
impl ViewModel for User {
    fn register(&mut self, _: &mut Setup) -> ModuleResult {
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        self.steps += 1;
        //UPDATE
        Ok(())
    }
}

keel::export_module! { view_model: User, models: [game_types] }
"#;
    Fixture::module(package).source(source.replace("//UPDATE", update)).with("game_types", types).build()
}
