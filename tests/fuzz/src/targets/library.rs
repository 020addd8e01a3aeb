//! A library's file, read before anything of it runs: what its tables and its descriptor say.

use std::path::Path;

use keel::module::{FINGERPRINT, ModuleDescriptor, ModuleKind};
use keel::types::{ModuleId, ViewId};
use keel_loader::LibraryFile;

use crate::Target;
use crate::change::Change;

pub(crate) const TARGET: Target = Target { name: "library", whole, change, read };

/// Where in a descriptor its module's id and name stand: behind the magic bytes, the format and the kind.
const ID_AT: usize = 24;
const NAME_AT: usize = ID_AT + 8;
const NAME_LENGTH: usize = 64;

fn whole() -> Vec<Vec<u8>> {
    let views = ["pond.TideView", "pond.WindView"];
    vec![
        library("pond", &descriptor(ModuleKind::ViewModel, "pond", &views)),
        library("pond_model", &descriptor(ModuleKind::Model, "pond-model", &[])),
        library("full", &descriptor(ModuleKind::View, "full", &[views[0]; 32])),
    ]
}

fn change(file: &mut Vec<u8>, change: &mut dyn Change) {
    let place = file.windows(16).position(|window| window == ModuleDescriptor::MAGIC);
    // Most bytes of the file are the descriptor's, and most of those are padding.
    let whole = place.filter(|place| place + ModuleDescriptor::SIZE <= file.len());
    let Some(place) = whole.filter(|_| !change.once_in(3)) else { return change.bytes(file) };
    let mut descriptor = file[place..place + ModuleDescriptor::SIZE].to_vec();
    change.bytes(&mut descriptor);
    descriptor.resize(ModuleDescriptor::SIZE, 0);
    if change.once_in(2) {
        let name = &descriptor[NAME_AT..NAME_AT + NAME_LENGTH];
        let name = name.split(|byte| *byte == 0).next().and_then(|name| std::str::from_utf8(name).ok());
        let id = ModuleId::of(name.unwrap_or_default()).bits();
        descriptor[ID_AT..NAME_AT].copy_from_slice(&id.to_ne_bytes());
    }
    file[place..place + ModuleDescriptor::SIZE].copy_from_slice(&descriptor);
}

fn read(bytes: &[u8]) -> bool {
    let file = match LibraryFile::parse(Path::new("fuzzed.so"), bytes) {
        Ok(file) => file,
        Err(error) => {
            assert!(error.to_string().contains("fuzzed.so"), "{error}");
            return false;
        }
    };
    let descriptor = file.descriptor();
    assert_eq!(descriptor.module(), ModuleId::of(descriptor.name()), "the id is the name's");
    for entry in
        [descriptor.models(), descriptor.provides(), descriptor.requires(), descriptor.optional()].concat()
    {
        let _ = (format!("{entry:?}"), entry.view());
    }
    let _ = (descriptor.kind(), descriptor.version().len(), file.foreign_library().map(str::len));
    if let Err(error) = file.check_fit() {
        assert!(error.to_string().contains(descriptor.name()), "{error}");
    }
    true
}

/// The bytes of a descriptor, as the format says.
fn descriptor(kind: ModuleKind, name: &str, views: &[&str]) -> Vec<u8> {
    let padded = |text: &str, length: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(length, 0);
        bytes
    };
    let number =
        [ModuleKind::Model, ModuleKind::View, ModuleKind::ViewModel].iter().position(|known| *known == kind);
    let number = number.map_or(0, |index| index as u32 + 1);
    let mut out = ModuleDescriptor::MAGIC.to_vec();
    out.extend([ModuleDescriptor::FORMAT.to_ne_bytes(), number.to_ne_bytes()].concat());
    out.extend(ModuleId::of(name).bits().to_ne_bytes());
    let built = FINGERPRINT;
    let texts = [(name, 64), ("0.1.0", 32), (built.rustc, 96), (built.target, 64), (built.profile, 96)];
    texts.iter().for_each(|(text, length)| out.extend(padded(text, *length)));
    out.extend(padded(built.flags, 256));
    out.extend(padded(built.facade, 32));
    for (room, views) in [(16, &[][..]), (32, views), (32, views), (32, &[])] {
        out.extend((views.len() as u64).to_ne_bytes());
        for index in 0..room {
            let name = views.get(index).copied().unwrap_or_default();
            let id = views.get(index).map_or(0, |name| ViewId::of(name).bits());
            out.extend([id.to_ne_bytes(), 7_u64.to_ne_bytes()].concat());
            out.extend(padded(name, 80));
        }
    }
    out
}

/// A section of an ELF file: name, type, flags, section it is linked to, size of an entry, content.
struct Section(&'static str, u32, u64, u32, u64, Vec<u8>);

/// A library in ELF's format (System V ABI, "Object Files"), as small as it can be with all that Keel looks at.
fn library(crate_name: &str, descriptor: &[u8]) -> Vec<u8> {
    const PROGBITS: u32 = 1;
    let mut strings = Strings::default();
    let own =
        |name: &str| format!("_ZN{}{crate_name}{}{name}17h0123456789abcdefE", crate_name.len(), name.len());
    let symbol = |strings: &mut Strings, name: &str, info: u8, section: u16, address: u64, size: u64| {
        let mut bytes = strings.add(name).to_le_bytes().to_vec();
        bytes.extend([info, 0]);
        bytes.extend(section.to_le_bytes());
        bytes.extend([address.to_le_bytes(), size.to_le_bytes()].concat());
        bytes
    };
    // Binding in the upper half: 0 local, 1 global; type in the lower: 1 data, 2 function, 6 thread-local.
    let descriptor_name = format!("keel_descriptor_{crate_name}");
    let dynamic_symbols = [
        vec![0; 24],
        symbol(&mut strings, "pthread_create", 0x12, 0, 0, 0),
        symbol(&mut strings, &descriptor_name, 0x11, 3, 0x1000, descriptor.len() as u64),
    ];
    let symbols = [
        vec![0; 24],
        symbol(&mut strings, &own("COUNT"), 0x01, 5, 0x9000, 8),
        symbol(&mut strings, &own("SEEN"), 0x06, 6, 0, 8),
    ];
    let needed = ["libkeel.so", "libstd-0123456789abcdef.so", "libc.so.6"];
    let tags = needed.map(|name| [1, u64::from(strings.add(name))]);
    let dynamic = tags.iter().chain([&[0, 0]]).flatten().flat_map(|number| number.to_le_bytes()).collect();
    let sections = [
        Section("", 0, 0, 0, 0, Vec::new()),
        Section(".dynstr", 3, 2, 0, 0, strings.0.clone()),
        Section(".dynsym", 11, 2, 1, 24, dynamic_symbols.concat()),
        Section(".rodata", PROGBITS, 2, 0, 0, descriptor.to_vec()),
        Section(".dynamic", 6, 3, 1, 16, dynamic),
        Section(".data", PROGBITS, 3, 0, 0, vec![1; 8]),
        Section(".tdata", PROGBITS, 0x403, 0, 0, vec![2; 8]),
        Section(".symtab", 2, 0, 1, 24, symbols.concat()),
    ];
    whole_library(&sections)
}

fn whole_library(sections: &[Section]) -> Vec<u8> {
    const HEAD_LENGTH: u64 = 64;
    const MACHINE: u16 = if cfg!(target_arch = "aarch64") { 183 } else { 62 };
    let mut names = Strings::default();
    let (mut contents, mut headers) = (Vec::<u8>::new(), Vec::<u8>::new());
    let mut add = |name: u32, section: &Section, content: &[u8]| {
        let Section(_, kind, flags, link, entry, _) = section;
        let address = if section.0 == ".rodata" { 0x1000 } else { 0x8000 };
        let offset = HEAD_LENGTH + contents.len() as u64;
        headers.extend([name.to_le_bytes(), kind.to_le_bytes()].concat());
        headers.extend([*flags, address, offset, content.len() as u64].map(u64::to_le_bytes).concat());
        headers.extend([link.to_le_bytes(), 1_u32.to_le_bytes()].concat());
        headers.extend([8_u64.to_le_bytes(), entry.to_le_bytes()].concat());
        contents.extend(content);
    };
    sections.iter().for_each(|section| add(names.add(section.0), section, &section.5));
    let last = Section(".shstrtab", 3, 0, 0, 0, Vec::new());
    let name = names.add(last.0);
    add(name, &last, &names.0);
    let count = sections.len() as u16 + 1;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend([3_u16, MACHINE].map(u16::to_le_bytes).concat());
    file.extend(1_u32.to_le_bytes());
    file.extend([0, 0, HEAD_LENGTH + contents.len() as u64].map(u64::to_le_bytes).concat());
    file.extend(0_u32.to_le_bytes());
    file.extend([HEAD_LENGTH as u16, 56, 0, 64, count, count - 1].map(u16::to_le_bytes).concat());
    file.extend(contents);
    file.extend(headers);
    file
}

/// A table of strings, each ended by a zero.
struct Strings(Vec<u8>);

impl Default for Strings {
    fn default() -> Self {
        Self(vec![0])
    }
}

impl Strings {
    /// Where the string stands.
    fn add(&mut self, text: &str) -> u32 {
        let at = self.0.len() as u32;
        self.0.extend(text.as_bytes());
        self.0.push(0);
        at
    }
}
