//! What each thread is marked with while a module's code runs on it.

use std::time::Duration;

use keel_crash::{News, Thread, Watch};
use keel_ecs::{ModelTypeInfo, event, resource};
use keel_engine::{
    Engine, EngineConfig, EventWriter, Frame, FunctionDescriptor, ModuleCode, ModuleTag, ObserverDescriptor,
    On, Res, Sent, SetDescriptor, SystemDescriptor,
};

use crate::{Diary, STEP, engine};

#[resource(crate = keel_ecs)]
#[derive(Default)]
struct Tide {}

#[event(crate = keel_ecs)]
#[derive(Clone, Debug)]
struct Wave {}

/// What this thread runs, as `module/system`.
fn running() -> String {
    let running = Thread::current().running();
    running.map_or_else(|| "nothing".to_owned(), |it| format!("{}/{}", it.module, it.system))
}

fn prepared(mut engine: Engine) -> Engine {
    let types = [ModelTypeInfo::resource::<Tide>(), ModelTypeInfo::event::<Wave>()];
    types.into_iter().try_for_each(|info| engine.world_mut().register(info)).unwrap();
    engine.world_mut().insert_resource(Tide {}).unwrap();
    engine
}

#[test]
fn each_piece_of_a_modules_code_is_marked_by_the_name_that_its_faults_have() {
    let (mut engine, sea, diary) = (prepared(engine()), ModuleTag::new("sea"), Diary::default());
    let note = || {
        let diary = diary.clone();
        move || diary.note(running())
    };
    let (alone, asked, typed) = (note(), note(), note());
    let exclusive = move |frame: &mut Frame<'_>| {
        alone();
        frame.call("sky/rain", &[]).unwrap();
        alone();
        frame.calls.call("hear", &()).unwrap();
    };
    engine.add_system(&sea, SystemDescriptor::new("flow"), exclusive).unwrap();
    let condition = move |_: Res<Tide>| {
        asked();
        true
    };
    let descriptor = SystemDescriptor::new("ebb").after("flow").run_if(condition);
    let system = move |_: Res<Tide>, mut waves: EventWriter<Wave>| {
        typed();
        waves.send(Wave {});
    };
    engine.add_system(&sea, descriptor, system).unwrap();
    let (rain, heard, seen) = (note(), note(), note());
    let sky = ModuleTag::new("sky");
    engine.add_function(&sky, FunctionDescriptor::new("rain"), move |_: &mut Frame<'_>| rain()).unwrap();
    engine.add_handler(&sea, "hear", move |_: &mut Frame<'_>, (): ()| heard()).unwrap();
    engine.add_observer(&sky, ObserverDescriptor::new("see"), move |_: On<Sent, Wave>| seen()).unwrap();
    engine.update(STEP);
    engine.update(STEP);
    let flow = ["sea/flow", "sky/function rain", "sea/flow", "sea/ebb", "sea/ebb", "sky/observer see"];
    assert_eq!(diary.take(), [&flow[..], &["sea/call hear"], &flow].concat());
    assert_eq!(running(), "nothing");
}

#[test]
fn the_mark_is_left_when_the_code_panics() {
    let (mut engine, sea) = (engine(), ModuleTag::new("sea"));
    let panic = |_: &mut Frame<'_>| -> () { panic!("no water") };
    engine.add_system(&sea, SystemDescriptor::new("flow"), panic).unwrap();
    engine.update(STEP);
    assert_eq!(engine.take_faults().len(), 1);
    assert_eq!(running(), "nothing");
}

#[test]
fn systems_on_other_threads_are_marked_there() {
    let config = EngineConfig { step: STEP, threads: 2, always_parallel: true, ..EngineConfig::default() };
    let (mut engine, sea, diary) = (prepared(Engine::new(config)), ModuleTag::new("sea"), Diary::default());
    for name in ["ebb", "flow", "slack"] {
        let diary = diary.clone();
        let system = move |_: Res<Tide>| diary.note(running());
        engine.add_system(&sea, SystemDescriptor::new(name), system).unwrap();
    }
    engine.update(STEP);
    let mut noted = diary.take();
    noted.sort();
    assert_eq!(noted, ["sea/ebb", "sea/flow", "sea/slack"]);
}

#[test]
fn a_task_is_marked_wherever_it_goes_on_and_nobody_waits_for_it() {
    let (mut engine, sea) = (engine(), ModuleTag::new("sea"));
    let (sender, noted) = std::sync::mpsc::channel();
    let note = move || {
        let is_awaited = Thread::current().running().map(|it| it.is_awaited);
        sender.send((running(), is_awaited)).unwrap();
    };
    let task = |frame: &mut Frame<'_>| {
        frame.tasks.spawn("listen", async move {
            note();
            keel_engine::sleep(Duration::from_millis(1)).await;
            note();
        });
        Ok(())
    };
    engine.run_as(&sea, task).unwrap();
    for _ in 0..2 {
        assert_eq!(noted.recv().unwrap(), ("sea/task listen".to_owned(), Some(false)));
    }
}

/// Looks at what hangs until that is something of `module` for which the game waits. So that no test waits for ever, it is
/// given up at last.
fn awaited_hang(module: &str) -> Option<String> {
    let limit = Duration::from_secs(1);
    let mut watch = Watch::new(limit);
    (0..5000).find_map(|_| {
        std::thread::sleep(Duration::from_millis(1));
        watch.look(limit / 2).into_iter().find_map(|news| match news {
            News::Hangs(hang) if hang.module == module && hang.is_awaited => Some(hang.system),
            _ => None,
        })
    })
}

fn spawn(
    engine: &mut Engine,
    module: &ModuleTag,
    name: &str,
    task: impl Future<Output = ()> + Send + 'static,
) {
    let spawn = |frame: &mut Frame<'_>| {
        frame.tasks.spawn(name, task);
        Ok(())
    };
    engine.run_as(module, spawn).unwrap();
}

#[test]
fn a_task_that_does_not_return_hangs_while_the_swap_of_any_module_with_tasks_waits_for_it() {
    let (mut engine, shore) = (engine(), ModuleTag::new("shore"));
    for name in ["cliff", "shore"] {
        let (begin, begun) = std::sync::mpsc::channel();
        let (go_on, gone_on) = std::sync::mpsc::channel::<()>();
        spawn(&mut engine, &shore, "wait", std::future::pending());
        spawn(&mut engine, &ModuleTag::new(name), "stuck", async move {
            begin.send(()).unwrap();
            // No `.await`: it holds the thread. It goes on when the sender is gone.
            let _ = gone_on.recv();
        });
        begun.recv().unwrap();
        let watching = std::thread::spawn(move || {
            let hang = awaited_hang(name);
            drop(go_on);
            hang
        });
        engine.drain_tasks(shore.id(), Duration::ZERO);
        assert_eq!(watching.join().unwrap().as_deref(), Some("task stuck"), "{name}");
    }
}

#[test]
fn conditions_of_a_set_are_marked() {
    let (mut engine, sea, diary) = (prepared(engine()), ModuleTag::new("sea"), Diary::default());
    let noted = diary.clone();
    let condition = move |_: Res<Tide>| {
        noted.note(running());
        false
    };
    let mut code = ModuleCode::new(&sea);
    code.sets.push(SetDescriptor::new("depths").run_if(condition));
    engine.exchange(vec![code]).unwrap();
    let descriptor = SystemDescriptor::new("dive").in_set("depths");
    engine.add_system(&sea, descriptor, |_: Res<Tide>| {}).unwrap();
    engine.update(STEP);
    assert_eq!(diary.take(), ["sea/set depths"]);
}
