//! What systems keep from run to run, and what becomes of it when their code is exchanged.

use keel_ecs::{ModelTypeInfo, component, event};
use keel_engine::{
    Engine, EngineError, EventReader, IntoSystem, Local, ModuleCode, ModuleTag, SystemCode, SystemDescriptor,
};
use keel_state::{Change, StateError};

use crate::{Diary, STEP, engine};

#[event(crate = keel_ecs)]
struct Splash {
    loudness: u32,
}

/// A counter whose shape has changed, under the same name.
mod new {
    use super::*;

    #[component(crate = keel_ecs)]
    #[derive(Default)]
    pub(crate) struct Counter {
        pub(crate) runs: u64,
        #[keel(default = 7)]
        pub(crate) extra: u32,
    }
}

#[component(crate = keel_ecs)]
#[derive(Default)]
struct Counter {
    runs: u32,
}

fn fish() -> ModuleTag {
    ModuleTag::new("fish")
}

fn code<M>(name: &str, system: impl IntoSystem<M>) -> ModuleCode {
    let mut code = ModuleCode::new(&fish());
    code.systems.push((SystemDescriptor::new(name), system.into_system()));
    code
}

/// Exchanges the module's code as a registry does; nothing has changed when it is refused.
fn swap(engine: &mut Engine, mut code: ModuleCode, accept_loss: bool) -> Result<Vec<String>, EngineError> {
    let saved = engine.save_locals(&fish())?;
    let changes = code.restore_locals(saved, accept_loss)?;
    engine.exchange(vec![code])?;
    Ok(changes.iter().map(Change::to_string).collect())
}

fn sea() -> Engine {
    let mut engine = engine();
    engine.world_mut().register(ModelTypeInfo::event::<Splash>()).unwrap();
    engine
}

/// A system that counts its runs in two locals, and notes them.
fn counting(diary: &Diary) -> impl FnMut(Local<'_, Counter>, Local<'_, Vec<String>>) + Send + 'static {
    let diary = diary.clone();
    move |mut counter, mut names| {
        counter.runs += 1;
        names.push(format!("run {}", counter.runs));
        diary.note(names.join(", "));
    }
}

#[test]
fn a_local_is_kept_from_run_to_run_and_through_an_exchange() {
    let (mut engine, diary) = (sea(), Diary::default());
    swap(&mut engine, code("count", counting(&diary)), false).unwrap();
    engine.update(STEP * 2);
    assert_eq!(diary.take(), ["run 1", "run 1, run 2"]);
    assert_eq!(swap(&mut engine, code("count", counting(&diary)), false).unwrap(), Vec::<String>::new());
    engine.update(STEP);
    assert_eq!(diary.take(), ["run 1, run 2, run 3"]);
    engine.reset();
    engine.update(STEP);
    assert_eq!(diary.take(), ["run 1"], "a reset begins afresh");
}

#[test]
fn a_local_migrates_by_field_name_and_finds_its_type_in_another_place() {
    let (mut engine, diary) = (sea(), Diary::default());
    swap(&mut engine, code("count", counting(&diary)), false).unwrap();
    engine.update(STEP * 2);
    diary.take();
    let noted = diary.clone();
    let moved = move |lines: Local<'_, Vec<String>>, own: Local<'_, u8>, counter: Local<'_, new::Counter>| {
        noted.note(format!("{lines:?} {own:?} {} {}", counter.runs, counter.extra));
    };
    let changes = swap(&mut engine, code("count", moved), false).unwrap();
    let expected = [
        "`count: Counter.runs` is converted from u32 to u64",
        "`count: Counter.extra` is new and takes its default",
    ];
    assert_eq!(changes, expected);
    engine.update(STEP);
    assert_eq!(diary.take(), ["[\"run 1\", \"run 2\"] 0 2 7"]);
}

#[test]
fn a_local_whose_type_changes_as_a_whole_is_converted() {
    let (mut engine, diary) = (sea(), Diary::default());
    let count = |mut runs: Local<'_, u32>| *runs += 1;
    swap(&mut engine, code("count", count), false).unwrap();
    engine.update(STEP * 3);
    let noted = diary.clone();
    let wide = move |runs: Local<'_, u64>| noted.note(runs.to_string());
    assert_eq!(
        swap(&mut engine, code("count", wide), false).unwrap(),
        ["`count: u64` is converted from u32 to u64"]
    );
    engine.update(STEP);
    assert_eq!(diary.take(), ["3"]);
}

#[track_caller]
fn check_lossy<M, S: IntoSystem<M>>(name: &str, make: impl Fn() -> S, told: &[&str]) {
    let (mut engine, diary) = (sea(), Diary::default());
    swap(&mut engine, code("count", counting(&diary)), false).unwrap();
    engine.update(STEP);
    let refused = swap(&mut engine, code(name, make()), false).unwrap_err();
    let EngineError::Locals { module, source: StateError::LossesNotAccepted { list } } = &refused else {
        panic!("{refused}")
    };
    assert_eq!((module.as_str(), list.lines().collect::<Vec<_>>()), ("fish", told.to_vec()));
    engine.update(STEP);
    assert_eq!(diary.take(), ["run 1", "run 1, run 2"], "the old code goes on with what it kept");
    assert_eq!(swap(&mut engine, code(name, make()), true).unwrap(), told);
    assert_eq!(engine.systems(), [format!("fish/{name}")]);
}

#[test]
fn a_local_that_nobody_takes_over_needs_consent() {
    let (counter, lines) = (
        "`count: Local` of type Counter is gone, its values are dropped",
        "`count: Local` of type Vec<String> is gone, its values are dropped",
    );
    check_lossy("count", || |_: Local<'_, Counter>| (), &[lines]);
    check_lossy("count", || |_: Local<'_, Counter>, _: EventReader<'_, Splash>| (), &[lines]);
    check_lossy("other", || |_: Local<'_, Counter>, _: Local<'_, Vec<String>>| (), &[counter, lines]);
}

#[test]
fn a_systems_local_and_that_of_its_condition_are_two() {
    let (mut engine, diary) = (sea(), Diary::default());
    let asked = |mut asked: Local<'_, u32>| {
        *asked += 1;
        true
    };
    let with_condition = |system: SystemCode| {
        let mut code = ModuleCode::new(&fish());
        code.systems.push((SystemDescriptor::new("count").run_if(asked), system));
        code
    };
    swap(&mut engine, code("count", |mut runs: Local<'_, u32>| *runs += 10), false).unwrap();
    engine.update(STEP);
    let refused = swap(&mut engine, with_condition((|| ()).into_system()), false).unwrap_err().to_string();
    assert!(refused.contains("`count: Local` of type u32 is gone"), "{refused}");
    let noted = diary.clone();
    let note = move |runs: Local<'_, u32>| noted.note(runs.to_string());
    swap(&mut engine, with_condition(note.into_system()), false).unwrap();
    engine.update(STEP);
    assert_eq!(diary.take(), ["10"]);
    let refused = swap(&mut engine, code("count", |_: Local<'_, u32>| ()), false).unwrap_err().to_string();
    assert!(refused.contains("`count: run_if Local` of type u32 is gone"), "{refused}");
}

#[test]
fn a_local_of_a_type_that_has_nothing_to_do_with_the_old_one_needs_consent() {
    let (mut engine, diary) = (sea(), Diary::default());
    swap(&mut engine, code("count", |mut runs: Local<'_, u32>| *runs += 1), false).unwrap();
    let noted = diary.clone();
    let write = move |mut lines: Local<'_, Vec<String>>| {
        lines.push("line".to_owned());
        noted.note(lines.join(", "));
    };
    let refused = swap(&mut engine, code("count", write.clone()), false).unwrap_err();
    assert!(matches!(refused, EngineError::Locals { .. }), "{refused}");
    swap(&mut engine, code("count", write), true).unwrap();
    engine.update(STEP);
    assert_eq!(diary.take(), ["line"]);
}

#[test]
fn a_reader_goes_on_where_the_one_before_it_stood() {
    let (mut engine, diary) = (sea(), Diary::default());
    let reading = |word: &'static str| {
        let diary = diary.clone();
        move |mut splashes: EventReader<'_, Splash>| {
            splashes.read().for_each(|splash| diary.note(format!("{word} {}", splash.loudness)));
        }
    };
    swap(&mut engine, code("listen", reading("old")), false).unwrap();
    engine.world().send(Splash { loudness: 1 });
    engine.update(STEP);
    engine.world().send(Splash { loudness: 2 });
    swap(&mut engine, code("listen", reading("new")), false).unwrap();
    engine.update(STEP);
    assert_eq!(diary.take(), ["old 1", "new 2"]);
    // Nothing is lost with a reader.
    assert_eq!(swap(&mut engine, code("listen", || ()), false).unwrap(), Vec::<String>::new());
}
