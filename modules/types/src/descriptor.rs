//! The descriptor: what a library says of itself before any of its code has run.
//!
//! It is one static without pointers, so that its bytes can be read from the file as they lie there: `repr(C)`,
//! fixed sizes, integers in the target's byte order (little endian on every target that Keel supports), texts
//! padded with zeros. Its first 16 bytes are [`ModuleDescriptor::MAGIC`].

use std::fmt;

use abi_stable::StableAbi;
use keel_core_types::{ModelType, ModuleId, ViewId, hash_name};

use crate::Fingerprint;

/// What a module exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ModuleKind {
    /// Types of components, resources and events.
    Model,
    /// Contracts together with what presents them.
    View,
    /// Systems, and implementations of views.
    ViewModel,
}

impl ModuleKind {
    /// The kind as it is written in manifests and shown to people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::View => "view",
            Self::ViewModel => "view-model",
        }
    }

    const fn code(self) -> u32 {
        match self {
            Self::Model => 1,
            Self::View => 2,
            Self::ViewModel => 3,
        }
    }

    fn from_code(code: u32) -> Option<Self> {
        [Self::Model, Self::View, Self::ViewModel].into_iter().find(|kind| kind.code() == code)
    }
}

/// A view or model crate that a module was compiled with: its name, the hash of that, and the hash of its sources.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, StableAbi)]
pub struct ViewEntry {
    /// The id's bits.
    pub id: u64,
    /// The hash of the declaring crate's sources.
    pub hash: u64,
    name: Text<80>,
}

/// The views and model crates that `export_module!` names, each as its name and the hash of its declaring crate.
#[derive(Clone, Copy, Default)]
pub struct Declared<'a> {
    /// The model crates it was compiled with.
    pub models: &'a [(&'a str, u64)],
    /// The views it provides.
    pub provides: &'a [(&'a str, u64)],
    /// The views it can't do without.
    pub requires: &'a [(&'a str, u64)],
    /// The views it calls where somebody provides them.
    pub optional: &'a [(&'a str, u64)],
}

/// Text of at most `N` bytes, padded with zeros.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, StableAbi)]
struct Text<const N: usize> {
    bytes: [u8; N],
}

/// Up to `N` entries.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, StableAbi)]
struct Entries<const N: usize> {
    count: u64,
    entries: [ViewEntry; N],
}

/// What a module is and what it was built with. [`export_module!`](crate::export_module) makes it.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, StableAbi)]
pub struct ModuleDescriptor {
    magic: [u8; 16],
    format: u32,
    kind: u32,
    module: u64,
    name: Text<64>,
    version: Text<32>,
    rustc: Text<96>,
    target: Text<64>,
    profile: Text<96>,
    flags: Text<256>,
    facade: Text<32>,
    models: Entries<16>,
    provides: Entries<32>,
    requires: Entries<32>,
    optional: Entries<32>,
}

/// Why bytes are not a descriptor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// Too short, or without the magic bytes.
    #[error("it has no Keel descriptor; write `keel::export_module!` once, at the end of its lib.rs")]
    Missing,
    /// Made by another version of Keel.
    #[error("its descriptor has format {found}, this host reads {expected}; rebuild both from one workspace")]
    Format {
        /// The format found.
        found: u32,
        /// The format that this host reads.
        expected: u32,
    },
    /// A field that no `export_module!` writes.
    #[error("its descriptor is damaged: {field}; rebuild the module")]
    Damaged {
        /// The field. A literal of the facade: no generic code, so none that a module could have a copy of.
        field: &'static str,
    },
}

impl ModuleDescriptor {
    /// The first bytes of every descriptor.
    pub const MAGIC: [u8; 16] = *b"\x89KEEL MODULE\r\n\x1a\n";
    /// The version of this format.
    pub const FORMAT: u32 = 2;
    /// The size of a descriptor in bytes.
    pub const SIZE: usize = size_of::<Self>();

    /// The descriptor of module `name`.
    ///
    /// # Panics
    /// At compile time, when a text or list is longer than the format has room for.
    pub const fn new(
        kind: ModuleKind,
        name: &str,
        version: &str,
        built: Fingerprint,
        declared: Declared<'_>,
    ) -> Self {
        Self {
            magic: Self::MAGIC,
            format: Self::FORMAT,
            kind: kind.code(),
            module: hash_name("module", name),
            name: Text::new(name),
            version: Text::new(version),
            rustc: Text::new(built.rustc),
            target: Text::new(built.target),
            profile: Text::new(built.profile),
            flags: Text::truncated(built.flags),
            facade: Text::new(built.facade),
            models: Entries::new(EntryKind::Model, declared.models),
            provides: Entries::new(EntryKind::View, declared.provides),
            requires: Entries::new(EntryKind::View, declared.requires),
            optional: Entries::new(EntryKind::View, declared.optional),
        }
    }

    /// Reads a descriptor from a library's bytes.
    ///
    /// # Errors
    /// [`DescriptorError`] for bytes that are none.
    pub fn read(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let mut reader = Reader { bytes };
        let magic = reader.array().filter(|magic| *magic == Self::MAGIC).ok_or(DescriptorError::Missing)?;
        let format = reader.u32()?;
        if format != Self::FORMAT {
            return Err(DescriptorError::Format { found: format, expected: Self::FORMAT });
        }
        let descriptor = Self {
            magic,
            format,
            kind: reader.u32()?,
            module: reader.u64()?,
            name: reader.text()?,
            version: reader.text()?,
            rustc: reader.text()?,
            target: reader.text()?,
            profile: reader.text()?,
            flags: reader.text()?,
            facade: reader.text()?,
            models: reader.entries()?,
            provides: reader.entries()?,
            requires: reader.entries()?,
            optional: reader.entries()?,
        };
        if ModuleKind::from_code(descriptor.kind).is_none() {
            return Err(DescriptorError::Damaged { field: "kind" });
        }
        if descriptor.module != ModuleId::of(descriptor.name()).bits() {
            return Err(DescriptorError::Damaged { field: "module id" });
        }
        Ok(descriptor)
    }

    /// What the module exports.
    pub fn kind(&self) -> ModuleKind {
        // `new` writes and `read` accepts only codes of a kind.
        ModuleKind::from_code(self.kind).unwrap_or(ModuleKind::ViewModel)
    }

    /// The module's id.
    pub fn module(&self) -> ModuleId {
        ModuleId::from_bits(self.module)
    }

    /// The name of the module's package.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The version of the module's package.
    pub fn version(&self) -> &str {
        self.version.as_str()
    }

    /// The model crates that it was compiled with.
    pub fn models(&self) -> &[ViewEntry] {
        self.models.as_slice()
    }

    /// The views that it says it provides.
    pub fn provides(&self) -> &[ViewEntry] {
        self.provides.as_slice()
    }

    /// The views that it says it can't do without.
    pub fn requires(&self) -> &[ViewEntry] {
        self.requires.as_slice()
    }

    /// The views that it says it calls where somebody provides them.
    pub fn optional(&self) -> &[ViewEntry] {
        self.optional.as_slice()
    }

    /// The first thing in which the module was built otherwise than `host`: what, the host's, the module's.
    pub fn mismatch(&self, host: &Fingerprint) -> Option<(&'static str, String, String)> {
        let flags = Text::<256>::truncated(host.flags);
        let pairs = [
            ("compiler", host.rustc, self.rustc.as_str()),
            ("target", host.target, self.target.as_str()),
            ("profile", host.profile, self.profile.as_str()),
            ("flags", flags.as_str(), self.flags.as_str()),
            ("facade", host.facade, self.facade.as_str()),
        ];
        let differing = pairs.into_iter().find(|(_, host, module)| host != module);
        differing.map(|(what, host, module)| (what, host.to_owned(), module.to_owned()))
    }
}

impl<const N: usize> Text<N> {
    const fn new(text: &str) -> Self {
        assert!(text.len() <= N, "a name, version or compiler is too long for the module descriptor");
        Self::truncated(text)
    }

    const fn truncated(text: &str) -> Self {
        let mut bytes = [0; N];
        let mut index = 0;
        while index < text.len() && index < N {
            bytes[index] = text.as_bytes()[index];
            index += 1;
        }
        Self { bytes }
    }

    fn as_str(&self) -> &str {
        let length = self.bytes.iter().position(|byte| *byte == 0).unwrap_or(N);
        let text = &self.bytes[..length];
        // A text that was cut inside a character ends before it.
        std::str::from_utf8(text)
            .unwrap_or_else(|error| std::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default())
    }
}

/// What an entry's name is the name of.
#[derive(Clone, Copy)]
enum EntryKind {
    Model,
    View,
}

impl<const N: usize> Entries<N> {
    const fn new(kind: EntryKind, declared: &[(&str, u64)]) -> Self {
        assert!(declared.len() <= N, "a module has more models or views than its descriptor has room for");
        let mut entries = [ViewEntry::EMPTY; N];
        let mut index = 0;
        while index < declared.len() {
            entries[index] = ViewEntry::new(kind, declared[index].0, declared[index].1);
            index += 1;
        }
        Self { count: declared.len() as u64, entries }
    }

    fn as_slice(&self) -> &[ViewEntry] {
        &self.entries[..(self.count as usize).min(N)]
    }
}

impl ViewEntry {
    const EMPTY: Self = Self { id: 0, hash: 0, name: Text { bytes: [0; 80] } };

    const fn new(kind: EntryKind, name: &str, hash: u64) -> Self {
        let id = match kind {
            EntryKind::Model => ModelType::of(name).bits(),
            EntryKind::View => ViewId::of(name).bits(),
        };
        Self { id, hash, name: Text::new(name) }
    }

    /// The name of the view or the model crate.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The id as a view's.
    pub fn view(&self) -> ViewId {
        ViewId::from_bits(self.id)
    }
}

impl fmt::Debug for ViewEntry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} from sources {:016x}", self.name(), self.hash)
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
}

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(*taken)
    }

    fn u32(&mut self) -> Result<u32, DescriptorError> {
        self.array().map(u32::from_ne_bytes).ok_or(DescriptorError::Damaged { field: "length" })
    }

    fn u64(&mut self) -> Result<u64, DescriptorError> {
        self.array().map(u64::from_ne_bytes).ok_or(DescriptorError::Damaged { field: "length" })
    }

    fn text<const N: usize>(&mut self) -> Result<Text<N>, DescriptorError> {
        let bytes = self.array().ok_or(DescriptorError::Damaged { field: "length" })?;
        Ok(Text { bytes })
    }

    fn entries<const N: usize>(&mut self) -> Result<Entries<N>, DescriptorError> {
        let count = self.u64()?;
        if count > N as u64 {
            return Err(DescriptorError::Damaged { field: "number of views" });
        }
        let mut entries = [ViewEntry::EMPTY; N];
        for entry in &mut entries {
            *entry = ViewEntry { id: self.u64()?, hash: self.u64()?, name: self.text()? };
        }
        Ok(Entries { count, entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILT: Fingerprint = Fingerprint {
        rustc: "rustc 1",
        target: "t",
        profile: "dev",
        flags: "-Cx",
        facade: "0123456789abcdef",
    };

    fn bytes_of(descriptor: &ModuleDescriptor) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(descriptor.magic);
        out.extend(descriptor.format.to_ne_bytes());
        out.extend(descriptor.kind.to_ne_bytes());
        out.extend(descriptor.module.to_ne_bytes());
        out.extend(descriptor.name.bytes);
        out.extend(descriptor.version.bytes);
        out.extend(descriptor.rustc.bytes);
        out.extend(descriptor.target.bytes);
        out.extend(descriptor.profile.bytes);
        out.extend(descriptor.flags.bytes);
        out.extend(descriptor.facade.bytes);
        let lists: [(u64, &[ViewEntry]); 4] = [
            (descriptor.models.count, &descriptor.models.entries),
            (descriptor.provides.count, &descriptor.provides.entries),
            (descriptor.requires.count, &descriptor.requires.entries),
            (descriptor.optional.count, &descriptor.optional.entries),
        ];
        for (count, entries) in lists {
            out.extend(count.to_ne_bytes());
            for entry in entries {
                out.extend([entry.id.to_ne_bytes(), entry.hash.to_ne_bytes()].concat());
                out.extend(entry.name.bytes);
            }
        }
        out
    }

    #[test]
    fn what_is_written_is_read_and_fills_the_struct_without_gaps() {
        let declared = Declared {
            models: &[("pond-model", 2)],
            provides: &[("pond.TideView", 4), ("pond.WindView", 6)],
            optional: &[("keel.PictureView", 8)],
            ..Declared::default()
        };
        let written = ModuleDescriptor::new(ModuleKind::View, "swim", "1.2.3", BUILT, declared);
        let bytes = bytes_of(&written);
        assert_eq!(bytes.len(), ModuleDescriptor::SIZE);
        let read = ModuleDescriptor::read(&bytes).unwrap();
        assert!(read == written);
        assert_eq!((read.kind(), read.name(), read.version()), (ModuleKind::View, "swim", "1.2.3"));
        let names: Vec<_> = read.provides().iter().map(ViewEntry::name).collect();
        assert_eq!(names, ["pond.TideView", "pond.WindView"]);
        assert_eq!(read.optional()[0].view(), ViewId::of("keel.PictureView"));
        assert_eq!(read.models()[0].hash, 2);
        assert_eq!(read.mismatch(&BUILT), None);
    }

    #[test]
    fn truncated_and_changed_bytes_are_refused() {
        let written = ModuleDescriptor::new(ModuleKind::Model, "swim", "1", BUILT, Declared::default());
        let bytes = bytes_of(&written);
        for length in 0..bytes.len() {
            assert!(ModuleDescriptor::read(&bytes[..length]).is_err(), "{length} bytes were accepted");
        }
        for index in 0..32 {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            let read = ModuleDescriptor::read(&changed);
            assert!(read.is_err() || read.is_ok_and(|read| read.kind() != written.kind()), "byte {index}");
        }
    }

    #[test]
    fn a_mismatch_names_both_sides() {
        let module = ModuleDescriptor::new(ModuleKind::Model, "swim", "1", BUILT, Declared::default());
        let host = Fingerprint { rustc: "rustc 2", ..BUILT };
        assert_eq!(module.mismatch(&host), Some(("compiler", "rustc 2".to_owned(), "rustc 1".to_owned())));
    }
}
