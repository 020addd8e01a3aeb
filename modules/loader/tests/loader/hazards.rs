//! What goes wrong when libraries are opened and closed, and doesn't here.

use keel::module::ModuleContext;
use keel_fixture::{Fixture, Scratch};
use keel_loader::{Kept, LibraryFile, LoadError, Loader};

use crate::{is_mapped, open, tide};

/// `dlopen` of a path that is loaded returns the old code.
#[test]
fn a_path_that_is_open_is_not_opened_again_however_it_is_written() {
    let scratch = Scratch::new();
    let loader = Loader::new();
    let path = scratch.copy(&tide(""));
    let module = loader.open(&path).unwrap();
    let folder = path.parent().unwrap();
    let roundabout = folder.join("..").join(folder.file_name().unwrap()).join(path.file_name().unwrap());
    // Elsewhere not every user may make links.
    #[cfg(unix)]
    let link = {
        let link = folder.join("link.so");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        link
    };
    #[cfg(not(unix))]
    let link = path.clone();
    for same in [&path, &roundabout, &link] {
        let error = loader.open(same).err().unwrap();
        assert!(matches!(error, LoadError::AlreadyOpen { .. }), "{error}");
    }
    // Replacing the file, as a whole even, does not help.
    std::fs::rename(scratch.copy(&tide("pub const NEW: u8 = 1;")), &path).unwrap();
    assert!(matches!(loader.open(&path), Err(LoadError::AlreadyOpen { .. })));
    // Once it is closed, the path is as good as new.
    module.retire().unwrap();
    assert!(!is_mapped(&path));
    loader.open(&path).unwrap().retire().unwrap();
    let census = loader.census();
    assert_eq!((census.opened, census.unmapped, census.kept), (2, 2, 0));
}

/// Two copies of a crate have two of every static, and types that don't match.
#[test]
fn a_module_with_a_facade_of_its_own_is_refused() {
    let scratch = Scratch::new();
    let source = "use keel::prelude::*;
        #[data] #[derive(Default)] pub struct Tide {}
        #[view_model] impl ViewModel for Tide { fn register(&mut self, _: &mut Setup) -> ModuleResult { Ok(()) } }
        keel::export_module! { view_model: Tide }";
    let library = Fixture::module("tide").source(source).with_facade_of_its_own().build();
    for _ in 0..3 {
        let error = open(&scratch, &library).err().unwrap();
        assert!(matches!(error, LoadError::SecondFacade { .. }), "{error}");
        assert!(error.to_string().contains("`tide` has a facade of its own"), "{error}");
    }
}

/// The dynamic linker would tie a new generation to the old one of a library that both need.
#[test]
fn a_module_that_needs_another_library_is_refused() {
    let scratch = Scratch::new();
    let helper = Fixture::module("helper").source("#[inline(never)] pub fn depth() -> u32 { 7 }").build();
    let source = "use keel::prelude::*;
        #[data] #[derive(Default)] pub struct Tide {}
        #[view_model] impl ViewModel for Tide {
            fn register(&mut self, _: &mut Setup) -> ModuleResult { helper::depth(); Ok(()) }
        }
        keel::export_module! { view_model: Tide }";
    let library = Fixture::module("tide").source(source).with("helper", &helper).build();
    let file = LibraryFile::read(&library).unwrap();
    assert_eq!(file.foreign_library(), Some("libhelper.so"));
    let error = open(&scratch, &library).err().unwrap();
    assert!(
        matches!(&error, LoadError::ForeignLibrary { needed, .. } if needed == "libhelper.so"),
        "{error}"
    );
    let helper = open(&scratch, &helper).err().unwrap();
    assert!(helper.to_string().contains("write `keel::export_module!` once"), "{helper}");
}

/// With one std, a panic can be caught on the other side; its text is a literal inside the library.
#[test]
fn a_panic_crosses_the_boundary_and_its_text_outlives_the_library() {
    let scratch = Scratch::new();
    let source = "use keel::prelude::*;
        #[data] pub struct Tide {}
        impl Default for Tide { fn default() -> Self { panic!(\"the tide is out\") } }
        #[view_model] impl ViewModel for Tide { fn register(&mut self, _: &mut Setup) -> ModuleResult { Ok(()) } }
        keel::export_module! { view_model: Tide }";
    let library = scratch.copy(&Fixture::module("tide").source(source).build());
    let module = Loader::new().open(&library).unwrap();
    let error = module.view_model().err().unwrap();
    module.retire().unwrap();
    assert!(!is_mapped(&library));
    assert_eq!(
        error.to_string(),
        "module `tide` panicked in `view_model`: the tide is out; correct it in the module's code, and save"
    );
}

/// Locals drop in reverse order: the library would go before the object.
#[test]
fn an_object_keeps_its_library_mapped_whatever_is_dropped_first() {
    let scratch = Scratch::new();
    let library = scratch.copy(&tide(""));
    let loader = Loader::new();
    let (mut object, module) = {
        let module = loader.open(&library).unwrap();
        (module.view_model().unwrap().unwrap(), module)
    };
    assert_eq!(module.holders(), 1);
    assert_eq!(module.retire(), Err(Kept::Held { holders: 1 }));
    assert!(is_mapped(&library));
    let mut setup = keel::module::Setup::new();
    object.register(&mut setup).unwrap();
    let context = ModuleContext { name: "tide".to_owned(), generation: 0 };
    drop(object.load(&context));
    assert_eq!(setup.into_parts().0.len(), 1);
    drop(object);
    let census = loader.census();
    assert_eq!((census.mapped(), census.kept), (1, 1), "kept for good, and counted");
}

#[test]
fn thread_locals_and_statics_are_seen_in_the_file() {
    let read = |items: &str| LibraryFile::read(&tide(items)).unwrap();
    let plain = read("");
    assert!(!plain.has_thread_locals());
    assert_eq!(plain.statics(), Vec::<String>::new());
    let local = read(
        "thread_local! { pub static SEEN: std::cell::Cell<u8> = const { std::cell::Cell::new(0) }; }
        pub fn see() { SEEN.with(|seen| seen.set(1)); }",
    );
    assert!(local.has_thread_locals());
    assert_eq!(local.thread_locals(), ["tide::SEEN"]);
    let counted = read(
        "pub static COUNT: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(1);
        pub static TABLE: [u8; 3] = [1, 2, 3];",
    );
    assert_eq!(counted.statics(), ["tide::COUNT"]);
    let inside = read(
        "pub struct Sea;
        impl Default for Sea {
            fn default() -> Self {
                static MADE: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(1);
                MADE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Self
            }
        }",
    );
    assert_eq!(inside.statics(), ["<tide::Sea as core::default::Default>::default::MADE"]);
}

/// A thread that runs when its code is unmapped ends the process.
#[test]
fn a_library_that_starts_threads_is_seen_in_the_file_and_kept() {
    let starts = |items: &str| LibraryFile::read(&tide(items)).unwrap().starts_threads();
    assert!(!starts(""));
    // Waiting and asking who one is are no threads of one's own; neither are Keel's tasks.
    assert!(!starts(
        "pub fn wait() { std::thread::sleep(std::time::Duration::ZERO); std::thread::yield_now(); }
        pub fn name() -> Option<String> { std::thread::current().name().map(str::to_owned) }
        pub fn task(frame: &mut Frame<'_>) { frame.tasks.spawn(\"wait\", async {}); }"
    ));
    let spawning = [
        "pub fn go() { std::thread::spawn(|| {}); }",
        "pub fn go() { let _ = std::thread::Builder::new().name(String::new()).spawn(|| {}); }",
        "pub fn go() { std::thread::scope(|scope| { scope.spawn(|| {}); }); }",
        "unsafe extern \"C\" { fn pthread_create() -> i32; } pub fn go() { unsafe { pthread_create(); } }",
    ];
    for items in spawning {
        assert!(starts(items), "{items}");
    }
    for linked in [spawning[0], "pub fn go() {}"] {
        let scratch = Scratch::new();
        let module = open(&scratch, &tide(linked)).unwrap();
        let expected = if linked == spawning[0] { Err(Kept::Threads) } else { Ok(()) };
        assert_eq!(module.retire(), expected);
    }
}

/// Memory passes between modules and the host; what one allocates, another frees.
#[test]
fn a_module_with_an_allocator_of_its_own_is_refused() {
    let scratch = Scratch::new();
    let library = tide("#[global_allocator] static OWN: std::alloc::System = std::alloc::System;");
    let error = open(&scratch, &library).err().unwrap();
    assert!(matches!(error, LoadError::OwnAllocator { .. }), "{error}");
    assert!(error.to_string().starts_with("module `tide` has a `#[global_allocator]`"), "{error}");
}

/// The descriptor is the file's word for it; the root is what is called.
#[test]
fn a_library_that_lacks_a_symbol_or_needs_one_that_is_nowhere_is_refused_by_name() {
    let scratch = Scratch::new();
    let mut bytes = std::fs::read(tide("")).unwrap();
    let (name, other) = (b"\0keel_root_tide\0", b"\0keel_rood_tide\0");
    let places: Vec<_> = (0..bytes.len() - name.len()).filter(|at| bytes[*at..].starts_with(name)).collect();
    assert!(!places.is_empty(), "the symbol is in the tables of strings");
    places.iter().for_each(|at| bytes[*at..*at + name.len()].copy_from_slice(other));
    let library = scratch.write("rootless.so", &bytes);
    // The system finds symbols by their hashes, so the new name is not found either.
    let error = Loader::new().open(&library).err().unwrap();
    assert!(
        matches!(&error, LoadError::MissingSymbol { symbol, .. } if symbol == "keel_root_tide"),
        "{error}"
    );
    assert!(error.to_string().contains("rootless.so lacks the symbol `keel_root_tide`; write"), "{error}");

    let items =
        "unsafe extern \"C\" { fn nowhere(); } #[unsafe(no_mangle)] pub fn go() { unsafe { nowhere() } }";
    let error = open(&scratch, &tide(items)).err().unwrap();
    assert!(matches!(error, LoadError::Open { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("could not be opened") && text.contains("undefined symbol: nowhere"), "{text}");
    assert!(text.contains("; link what defines the symbol"), "the next step: {text}");
}

/// `TypeId` knows the crate and ignores the layout.
#[test]
fn types_of_other_shape_have_one_type_id_and_other_fingerprints() {
    let scratch = Scratch::new();
    let model = |field: &str| {
        let source = format!(
            "#[keel::component] pub struct Fish {{ pub age: {field} }} keel::model! {{ components: [Fish] }}"
        );
        let types = Fixture::types("fish").source(source).build();
        let source = "keel::export_module! { model: fish }";
        Fixture::module("fish-model").source(source).with("fish", &types).build()
    };
    let print = |field| {
        let module = open(&scratch, &model(field)).unwrap();
        module.types().unwrap()[0].fingerprint()
    };
    let (float, wide, text, same) = (print("f32"), print("u64"), print("String"), print("f32"));
    assert_eq!(float, same);
    for other in [wide, text] {
        assert_eq!(
            other.rust, float.rust,
            "if this fails, the compiler has learned something: say so in HAZARDS"
        );
        assert_ne!(other, float);
        assert_ne!(other.schema, float.schema);
    }
}

#[test]
fn a_library_without_descriptor_is_no_module() {
    let scratch = Scratch::new();
    let library = Fixture::module("plain").source("pub fn nothing() {}").build();
    let error = open(&scratch, &library).err().unwrap();
    assert!(matches!(error, LoadError::Descriptor { .. }), "{error}");
}

#[test]
fn a_thousand_openings_leave_one_file_mapped_at_most() {
    let scratch = Scratch::new();
    let loader = Loader::new();
    let library = scratch.copy(&tide(""));
    for _ in 0..1000 {
        let module = loader.open(&library).unwrap();
        drop(module.view_model().unwrap());
        module.retire().unwrap();
        assert!(!is_mapped(&library));
    }
    assert_eq!(loader.census().mapped(), 0);
}
