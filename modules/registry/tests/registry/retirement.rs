//! Which libraries stay mapped, for how long, and why.

use keel::console::PictureView;
use keel::types::Contract;
use keel_registry::{RegistryConfig, RetireReport};

use crate::rig::Rig;
use crate::sources::Swim;

/// A module with a thread-local that has a destructor.
fn with_thread_local(label: &str) -> Swim {
    Swim::new(label)
        .at("ITEMS", "thread_local! { static SEEN: std::cell::RefCell<Vec<u64>> = std::cell::RefCell::new(Vec::new()); }")
        .at("UPDATE", "SEEN.with_borrow_mut(|seen| seen.push(self.steps));")
}

#[test]
fn four_generations_stay_mapped_beside_the_live_one_and_the_next_leaves() {
    let mut rig = Rig::new();
    for number in 0..10_usize {
        rig.load(&Swim::new(&format!("v{number}")).build()).unwrap();
        rig.check_runs(&format!("v{number}"));
        let report = rig.registry.tidy();
        assert_eq!(
            report,
            RetireReport { unmapped: usize::from(number > 4), ..RetireReport::default() },
            "swap {number}"
        );
        assert_eq!(rig.mapped(), (number + 1).min(5), "swap {number}");
        assert_eq!(rig.registry.census().mapped() as usize, rig.mapped());
    }
    let census = rig.registry.census();
    assert_eq!((census.opened, census.unmapped, census.kept, census.kept_bytes), (10, 5, 0, 0));
    // The world still has what ten generations left in it, and its drop calls into none that is gone.
    assert_eq!(rig.engine.world().len(), 11);
    drop(rig);
}

#[test]
fn the_drop_of_the_world_after_ten_generations_without_a_ring_crashes_nothing() {
    let mut rig = Rig::with(RegistryConfig { ring: 0, ..RegistryConfig::default() });
    for number in 0..10 {
        rig.load(&Swim::new(&format!("v{number}")).build()).unwrap();
        rig.steps(2);
        rig.registry.tidy();
        assert_eq!(rig.mapped(), 1);
    }
    let Rig { engine, registry, binding, scratch } = rig;
    drop(registry);
    drop(binding);
    drop(engine);
    drop(scratch);
}

#[test]
fn the_engine_may_go_before_the_registry() {
    let mut rig = Rig::with(RegistryConfig { ring: 1, ..RegistryConfig::default() });
    for number in 0..4 {
        rig.load(&Swim::new(&format!("v{number}")).build()).unwrap();
        rig.steps(1);
    }
    let Rig { engine, registry, binding, scratch } = rig;
    drop(engine);
    drop(registry);
    drop(scratch);
    assert!(binding.pin().get::<dyn PictureView>().is_ok(), "what is bound keeps its library");
}

#[test]
fn a_module_with_thread_locals_is_kept_and_told_so() {
    let mut rig = Rig::with(RegistryConfig { ring: 0, ..RegistryConfig::default() });
    let library = with_thread_local("v1").build();
    rig.load(&library).unwrap();
    rig.check_runs("v1");
    assert!(rig.registry.modules()[0].thread_locals);
    rig.load(&Swim::new("v2").build()).unwrap();
    assert!(!rig.registry.modules()[0].thread_locals);
    let report = rig.registry.tidy();
    assert_eq!(report.kept, ["swim generation 0: it has thread-local storage"]);
    assert_eq!(rig.mapped(), 2);
    let census = rig.registry.census();
    assert_eq!((census.mapped(), census.kept), (2, 1));
    assert_eq!(census.kept_bytes, std::fs::metadata(library).unwrap().len());
}

#[test]
fn a_thread_that_used_a_thread_local_of_a_replaced_module_exits_well() {
    let mut rig = Rig::with(RegistryConfig { ring: 0, ..RegistryConfig::default() });
    let thread = std::thread::spawn(move || {
        rig.load(&with_thread_local("v1").build()).unwrap();
        rig.steps(3);
        rig.load(&Swim::new("v2").build()).unwrap();
        rig.registry.tidy();
        rig.check_runs("v2");
        // The destructor of the thread-local runs after this.
    });
    thread.join().unwrap();
}

#[test]
fn a_module_whose_thread_lives_on_is_kept_and_its_code_still_runs() {
    // It counts in a file until it is told to end by another.
    let spawn = r#"
        std::thread::spawn(|| {
            let file = |name: &str| std::env::temp_dir().join(format!("keel-{}-{name}", std::process::id()));
            let mut count = 0_u64;
            while !file("end").exists() {
                count += 1;
                let _ = std::fs::write(file("count"), count.to_string());
                std::thread::yield_now();
            }
            let _ = std::fs::write(file("count"), "ended");
        });"#;
    let file = |name: &str| std::env::temp_dir().join(format!("keel-{}-{name}", std::process::id()));
    let wait_for = |is_it: &dyn Fn(&str) -> bool| {
        let expiry = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while !std::fs::read_to_string(file("count")).is_ok_and(|text| is_it(&text)) {
            assert!(std::time::Instant::now() < expiry, "the thread does not run");
            std::thread::yield_now();
        }
    };
    let count = || std::fs::read_to_string(file("count")).ok().and_then(|text| text.parse::<u64>().ok());
    let mut rig = Rig::with(RegistryConfig { ring: 0, ..RegistryConfig::default() });
    rig.load(&Swim::new("v1").at("START", spawn).build()).unwrap();
    assert!(rig.registry.modules()[0].threads);
    wait_for(&|text| text.parse::<u64>().is_ok());
    rig.load(&Swim::new("v2").build()).unwrap();
    assert!(!rig.registry.modules()[0].threads);
    assert_eq!(rig.registry.tidy().kept, ["swim generation 0: it starts threads of its own"]);
    assert_eq!((rig.mapped(), rig.registry.census().kept), (2, 1));
    let at_retirement = count().unwrap_or(0);
    wait_for(&|text| text.parse::<u64>().is_ok_and(|now| now > at_retirement + 10));
    rig.check_runs("v2");
    std::fs::write(file("end"), "").unwrap();
    wait_for(&|text| text == "ended");
    for name in ["count", "end"] {
        std::fs::remove_file(file(name)).unwrap();
    }
}

#[test]
fn what_somebody_holds_keeps_its_library_mapped_until_it_is_let_go() {
    let mut rig = Rig::with(RegistryConfig { ring: 0, ..RegistryConfig::default() });
    rig.load(&Swim::new("v1").build()).unwrap();
    let held = rig.binding.lookup(<dyn PictureView>::ID).unwrap();
    rig.load(&Swim::new("v2").build()).unwrap();
    let report = rig.registry.tidy();
    assert_eq!(report, RetireReport { held: 1, ..RetireReport::default() });
    assert_eq!(rig.mapped(), 2);
    assert_eq!(held.get::<dyn PictureView>().unwrap().title(), "v1", "its code is still there");
    drop(held);
    let report = rig.registry.tidy();
    assert_eq!(report, RetireReport { unmapped: 1, ..RetireReport::default() });
    assert_eq!(rig.mapped(), 1);
}

#[test]
fn statics_of_a_module_are_listed() {
    let items = "static SWUM: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
                 static TABLE: [u8; 4] = [1, 2, 3, 4];";
    let update =
        "SWUM.fetch_add(u64::from(TABLE[self.steps as usize % 4]), std::sync::atomic::Ordering::Relaxed);";
    let mut rig = Rig::new();
    rig.load(&Swim::new("v1").at("ITEMS", items).at("UPDATE", update).build()).unwrap();
    assert_eq!(
        rig.registry.modules()[0].statics,
        ["swim::SWUM"],
        "the table can't be written, so it is no state"
    );
    rig.load(&Swim::new("v2").build()).unwrap();
    assert_eq!(rig.registry.modules()[0].statics, Vec::<String>::new());
}

#[test]
fn a_module_that_was_removed_and_came_back_is_not_taken_for_its_older_self() {
    let mut rig = Rig::with(RegistryConfig { ring: 1, ..RegistryConfig::default() });
    rig.load(&Swim::new("v1").build()).unwrap();
    rig.registry.remove(&mut rig.engine, "swim").unwrap();
    rig.load(&Swim::new("v2").build()).unwrap();
    rig.load(&Swim::new("v3").build()).unwrap();
    // Both that were replaced are generation 0, and only the older one leaves the ring.
    let report = rig.registry.tidy();
    assert_eq!(report, RetireReport { unmapped: 1, ..RetireReport::default() });
    assert_eq!(rig.mapped(), 2);
    rig.check_runs("v3");
}

#[test]
fn a_task_of_the_old_generation_has_ended_before_it_is_unmapped() {
    let spawn = "if frame.tasks.running() == 0 {
        frame.tasks.spawn(\"wait\", async { loop { sleep(std::time::Duration::from_millis(1)).await; } });
    }";
    let mut rig = Rig::with(RegistryConfig { ring: 0, ..RegistryConfig::default() });
    rig.load(&Swim::new("v0").at("UPDATE", spawn).build()).unwrap();
    for number in 1..4 {
        rig.steps(2);
        let report = rig.load(&Swim::new(&format!("v{number}")).at("UPDATE", spawn).build()).unwrap();
        assert_eq!((report.modules[0].tasks.finished, report.modules[0].tasks.cancelled), (0, 1));
        assert_eq!(rig.registry.tidy().unmapped, 1);
    }
}

#[test]
fn closing_lets_all_libraries_go_that_may_go() {
    let mut rig = Rig::new();
    for number in 0..3 {
        rig.load(&Swim::new(&format!("v{number}")).build()).unwrap();
        rig.steps(2);
    }
    let Rig { engine, registry, binding, scratch } = rig;
    let report = registry.close(engine);
    assert_eq!(report, RetireReport { unmapped: 3, ..RetireReport::default() });
    assert!(binding.pin().get::<dyn PictureView>().is_err());
    let rest = Rig { scratch, ..Rig::new() };
    assert_eq!(rest.mapped(), 0);
}
