//! Files that are no whole library: refused with an error, never with a crash, and nothing of them runs.

use std::path::Path;

use keel_fixture::Scratch;
use keel_loader::{LibraryFile, LoadError, Loader};

use crate::{is_mapped, tide, with_other_fingerprint};

#[test]
fn a_library_that_is_cut_off_is_refused_at_every_length() {
    let scratch = Scratch::new();
    let whole = std::fs::read(tide("")).unwrap();
    let steps = (0..whole.len()).step_by(whole.len() / 150);
    for length in (0..512).step_by(7).chain(steps).chain([whole.len() - 1]) {
        let file = scratch.path().join("cut.so");
        std::fs::write(&file, &whole[..length]).unwrap();
        let error = Loader::new().open(&file).err();
        let error = error.unwrap_or_else(|| panic!("{length} of {} bytes were accepted", whole.len()));
        assert!(
            matches!(
                error,
                LoadError::NotALibrary { .. } | LoadError::Descriptor { .. } | LoadError::Architecture { .. }
            ),
            "{length} bytes: {error}"
        );
        assert!(error.to_string().contains("cut.so"), "{error}");
        assert!(!is_mapped(&file));
    }
}

#[test]
fn bytes_that_changed_on_their_way_are_read_without_a_panic() {
    let scratch = Scratch::new();
    let file = scratch.path().join("changed.so");
    let whole = std::fs::read(tide("")).unwrap();
    let headers = whole.len() - 64 * 45;
    let mut refused = 0;
    // The headers at both ends, byte for byte, and the rest here and there.
    for at in (0..256).chain((256..headers).step_by(headers / 150)).chain((headers..whole.len()).step_by(11))
    {
        for change in [0xff, 0x01, 0x80] {
            let mut changed = whole.clone();
            changed[at] ^= change;
            std::fs::write(&file, &changed).unwrap();
            // What is not found out here, the descriptor's own checks or the system's loader find out.
            refused += usize::from(LibraryFile::read(&file).is_err());
        }
    }
    assert!(refused > 20, "only {refused} changes were noticed");
}

#[test]
fn a_file_that_is_no_library_is_named() {
    let scratch = Scratch::new();
    let check = |file: &Path, part: &str| {
        let error = LibraryFile::read(file).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(part) && error.contains(&file.display().to_string()), "{error}");
    };
    check(&scratch.path().join("nowhere.so"), "can't be read; build the module again");
    check(scratch.path(), "can't be read");
    check(&scratch.write("empty.so", b""), "is not a whole library");
    check(&scratch.write("text.so", b"swim, little fish, swim"), "is not a whole library");
    let mut foreign = std::fs::read(tide("")).unwrap();
    // e_machine of the ELF header: AArch64.
    foreign[18] = 183;
    check(&scratch.write("foreign.so", &foreign), "was built for Aarch64, this host runs on X86_64");
}

#[test]
fn nothing_of_a_library_runs_before_its_fingerprint_matches() {
    let scratch = Scratch::new();
    let mark = std::env::temp_dir().join(format!("keel-init-{}", std::process::id()));
    let library = tide(
        "extern \"C\" fn mark() {
             let name = format!(\"keel-init-{}\", std::process::id());
             let _ = std::fs::write(std::env::temp_dir().join(name), \"\");
         }
         #[unsafe(link_section = \".init_array\")]
         #[used]
         static INIT: extern \"C\" fn() = mark;",
    );
    let other = with_other_fingerprint(&library, &scratch);
    let error = Loader::new().open(&other).err().unwrap();
    assert!(matches!(error, LoadError::Mismatch { what: "compiler", .. }), "{error}");
    assert!(error.to_string().contains("run `keel build tide`"), "{error}");
    assert!(!mark.exists(), "its initialiser ran");

    // And the initialiser is one.
    Loader::new().open(&scratch.copy(&library)).unwrap();
    assert!(mark.exists());
    std::fs::remove_file(mark).unwrap();
}
