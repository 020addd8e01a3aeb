//! Exchanging the code of modules: all of it or nothing.

use keel_engine::{EngineError, Frame, Handler, ModuleCode, ModuleTag, SystemCode, SystemDescriptor};

use crate::{Diary, STEP, add, engine};

fn code<const N: usize>(diary: &Diary, module: &str, systems: [SystemDescriptor; N]) -> ModuleCode {
    let mut code = ModuleCode::new(&ModuleTag::new(module));
    for descriptor in systems {
        let (diary, line) = (diary.clone(), format!("new {module}/{}", descriptor.name()));
        let run = SystemCode::of_frame(move |_| {
            diary.note(line.clone());
            Ok(())
        });
        code.systems.push((descriptor, run));
    }
    code
}

fn handler() -> Handler {
    Box::new(|_: &mut Frame<'_>, _| Ok(()))
}

/// `bird/dive`, `fish/eat` (switched off), `fish/swim`, `sea/flow`; and a handler of `fish`.
fn sea(diary: &Diary) -> keel_engine::Engine {
    let mut engine = engine();
    add(&mut engine, diary, "sea", SystemDescriptor::new("flow"));
    add(&mut engine, diary, "fish", SystemDescriptor::new("swim").after("eat"));
    add(&mut engine, diary, "fish", SystemDescriptor::new("eat"));
    add(&mut engine, diary, "bird", SystemDescriptor::new("dive").before("fish/"));
    engine.add_handler(&ModuleTag::new("fish"), "hook", |_: &mut Frame<'_>, _: u32| ()).unwrap();
    engine.enable_system("fish/eat", false).unwrap();
    engine
}

const ORDER: [&str; 4] = ["bird/dive", "fish/eat", "fish/swim", "sea/flow"];

#[track_caller]
fn check_refused(new: impl FnOnce(&Diary) -> Vec<ModuleCode>, expected: &str) {
    let diary = Diary::default();
    let mut engine = sea(&diary);
    let refused = engine.exchange(new(&diary)).err().unwrap();
    assert!(refused.to_string().contains(expected), "{refused}");
    // Order, switches, code and handlers are the old ones.
    assert_eq!(engine.systems(), ORDER);
    engine.update(STEP);
    assert_eq!(diary.take(), ["bird/dive", "fish/swim", "sea/flow"]);
    let again = engine.add_handler(&ModuleTag::new("fish"), "hook", |_: &mut Frame<'_>, _: u32| ());
    assert!(matches!(again, Err(EngineError::DuplicateHandler { .. })), "the old handler is there");
}

#[test]
fn a_refused_exchange_changes_nothing() {
    let swim = || SystemDescriptor::new("swim");
    check_refused(
        |diary| vec![code(diary, "fish", [swim(), swim()])],
        "module `fish` registers system `swim` twice",
    );
    check_refused(
        |diary| vec![code(diary, "fish", [swim().before("sea/flow").after("sea/")])],
        "the order of systems is a cycle: ",
    );
    check_refused(
        |diary| {
            let bird = SystemDescriptor::new("dive").after("fish/rest");
            let rest = SystemDescriptor::new("rest").after("bird/dive");
            vec![code(diary, "bird", [bird]), code(diary, "fish", [rest])]
        },
        "fish/rest",
    );
    check_refused(
        |diary| {
            let mut fish = code(diary, "fish", [swim()]);
            fish.handlers = vec![("hook".into(), handler()), ("hook".into(), handler())];
            vec![fish]
        },
        "module `fish` registers handler `hook` twice",
    );
    check_refused(
        |diary| vec![code(diary, "fish", [swim()]), code(diary, "fish", [SystemDescriptor::new("eat")])],
        "module `fish` is exchanged twice",
    );
}

#[test]
fn an_exchange_is_complete_and_keeps_switches_and_orders() {
    let diary = Diary::default();
    let mut engine = sea(&diary);
    engine.schedule_mut().order_systems("sea/flow", "fish/swim").unwrap();
    let fish = code(&diary, "fish", [SystemDescriptor::new("swim"), SystemDescriptor::new("eat")]);
    let bird = code(&diary, "bird", [SystemDescriptor::new("sing")]);
    let old = engine.exchange(vec![fish, bird]).unwrap();
    let names = |code: &ModuleCode| (code.module.name().to_owned(), code.systems.len(), code.handlers.len());
    assert_eq!(old.iter().map(names).collect::<Vec<_>>(), [("fish".into(), 2, 1), ("bird".into(), 1, 0)]);
    engine.update(STEP);
    assert_eq!(diary.take(), ["new bird/sing", "sea/flow", "new fish/swim"], "`fish/eat` is still off");
    engine.enable_system("fish/eat", true).unwrap();
    engine.update(STEP);
    assert_eq!(diary.take(), ["new bird/sing", "new fish/eat", "sea/flow", "new fish/swim"]);

    // What came out goes in again: a roll back.
    engine.exchange(old).unwrap();
    engine.update(STEP);
    assert_eq!(diary.take(), ["bird/dive", "fish/eat", "sea/flow", "fish/swim"]);
}

#[test]
fn calls_and_timers_outlive_an_exchange_and_end_with_the_module() {
    let diary = Diary::default();
    let (mut engine, fish) = (engine(), ModuleTag::new("fish"));
    let noting = |diary: &Diary, word: &'static str| {
        let diary = diary.clone();
        move |_: &mut Frame<'_>, argument: u32| diary.note(format!("{word} {argument}"))
    };
    engine.add_handler(&fish, "hook", noting(&diary, "old")).unwrap();
    let start = |frame: &mut Frame<'_>| {
        frame.calls.call("hook", &1_u32).unwrap();
        frame.timers.every(STEP, "hook", &2_u32).map(drop).map_err(|error| error.to_string())
    };
    engine.run_as(&fish, start).unwrap();
    let mut new = ModuleCode::new(&fish);
    let noted = diary.clone();
    let hook: Handler = Box::new(move |_: &mut Frame<'_>, argument| {
        noted.note(format!("new {}", argument.restore::<u32>(false).unwrap().0));
        Ok(())
    });
    new.handlers.push(("hook".into(), hook));
    engine.exchange(vec![new]).unwrap();
    engine.update(STEP);
    assert_eq!(diary.take(), ["new 1", "new 2"]);
    assert!(engine.has_pending_work());
    assert_eq!(engine.remove_module(&fish).handlers.len(), 1);
    engine.update(STEP);
    assert_eq!(diary.take(), Vec::<String>::new());
    assert!(!engine.has_pending_work());
}
