//! What a migration does, as a tree of operations on bytes.
//!
//! Most components are plain structs, whose fields all have fixed widths. Their whole migration is one
//! [`Patch`]: a template with the defaults in it, and the runs of saved bytes to copy over it.

use std::sync::Arc;

use super::number::Cast;
use crate::builder::Convert;
use crate::layout::{Layout, group};

/// The longest template of a [`Patch`], in bytes; longer values go through separate operations.
const PATCH_MAX: usize = 4096;

/// How many saved bytes a [`Patch`] may span, so that no damaged schema makes its offsets overflow.
const SAVED_MAX: usize = 1 << 24;

#[derive(Clone)]
pub(super) enum Op {
    /// Copies a value unchanged.
    Same(Layout),
    /// Writes these bytes and reads none.
    Insert(Arc<[u8]>),
    /// Reads a value and writes nothing.
    Skip(Layout),
    /// Reads and writes fixed numbers of bytes.
    Patch(Patch),
    /// One after another.
    Group(Vec<Op>),
    /// Finds where each of the saved fields lies, then makes each live field from one of them.
    Reorder { saved: Vec<Layout>, live: Vec<(Option<usize>, Op)> },
    /// A length, and as many elements of at least `width_min` saved bytes.
    Sequence { width_min: usize, element: Box<Op> },
    /// The elements of an array.
    Array { count: usize, width_min: usize, element: Box<Op> },
    /// A value that may be there in both.
    Option(Box<Op>),
    /// A value that may be there in the saved type alone.
    Unwrap { path: Arc<str>, some: Box<Op>, default: Option<Arc<[u8]>> },
    /// A variant's number, and its payload.
    Enum { path: Arc<str>, variants: Vec<VariantOp>, default: Option<Arc<[u8]>> },
    /// The author's own function.
    Convert(ConvertOp),
    /// A procedure.
    Call(usize),
}

#[derive(Clone)]
pub(super) struct ConvertOp(pub(super) Arc<Convert>);

/// What becomes of one saved variant.
#[derive(Clone, Debug)]
pub(super) enum VariantOp {
    Kept { number: u32, payload: Op },
    Dropped { name: Arc<str>, payload: Layout },
}

/// Reads `width` bytes and writes those of the template, with runs of the saved bytes in it.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    pub(super) width: usize,
    pub(super) template: Arc<[u8]>,
    pub(super) runs: Arc<[Run]>,
    pub(super) casts: Arc<[CastRun]>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Run {
    pub(super) saved: usize,
    pub(super) live: usize,
    pub(super) width: usize,
}

#[derive(Clone, Debug)]
pub(super) struct CastRun {
    pub(super) saved: usize,
    pub(super) live: usize,
    pub(super) cast: Cast,
    pub(super) path: Arc<str>,
}

impl std::fmt::Debug for ConvertOp {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("ConvertOp")
    }
}

impl std::fmt::Debug for Op {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Same(layout) => out.debug_tuple("Same").field(layout).finish(),
            Self::Insert(bytes) => out.debug_tuple("Insert").field(bytes).finish(),
            Self::Skip(layout) => out.debug_tuple("Skip").field(layout).finish(),
            Self::Patch(patch) => patch.fmt(out),
            Self::Group(ops) => out.debug_tuple("Group").field(ops).finish(),
            Self::Call(procedure) => out.debug_tuple("Call").field(procedure).finish(),
            _ => out.write_str("Op"),
        }
    }
}

impl Op {
    pub(super) fn insert(bytes: Vec<u8>) -> Self {
        Self::Insert(bytes.into())
    }

    pub(super) fn cast(cast: Cast, path: &str) -> Self {
        Self::Patch(Patch {
            width: cast.from.width(),
            template: vec![0; cast.to.width()].into(),
            runs: [].into(),
            casts: [CastRun { saved: 0, live: 0, cast, path: path.into() }].into(),
        })
    }

    /// How many bytes are read and written, if both are always the same.
    fn fixed(&self) -> Option<(usize, usize)> {
        match self {
            Self::Same(layout) => layout.fixed().map(|width| (width, width)),
            Self::Insert(bytes) => Some((0, bytes.len())),
            Self::Skip(layout) => layout.fixed().map(|width| (width, 0)),
            Self::Patch(patch) => Some((patch.width, patch.template.len())),
            _ => None,
        }
    }
}

/// `ops` one after another, with everything of fixed width joined.
pub(super) fn sequence(ops: Vec<Op>) -> Op {
    let mut joined = Vec::new();
    let mut builder = PatchBuilder::default();
    for op in flatten(ops) {
        if !builder.push(&op) {
            builder.flush_into(&mut joined);
            if !builder.push(&op) {
                joined.push(op);
            }
        }
    }
    builder.flush_into(&mut joined);
    match joined.len() {
        0 => Op::Same(Layout::Fixed(0)),
        1 => joined.remove(0),
        _ => same_throughout(joined),
    }
}

fn flatten(ops: Vec<Op>) -> Vec<Op> {
    ops.into_iter()
        .flat_map(|op| match op {
            Op::Group(inner) => inner,
            op => vec![op],
        })
        .collect()
}

fn same_throughout(ops: Vec<Op>) -> Op {
    let layouts: Option<Vec<_>> = ops
        .iter()
        .map(|op| match op {
            Op::Same(layout) => Some(layout.clone()),
            _ => None,
        })
        .collect();
    match layouts {
        Some(layouts) => Op::Same(group(layouts)),
        None => Op::Group(ops),
    }
}

/// The migration of a list of fields: for each live field, which saved one it is made from, and how.
pub(super) fn fields(saved: Vec<Layout>, live: Vec<(Option<usize>, Op)>) -> Op {
    let order: Vec<_> = live.iter().filter_map(|(source, _)| *source).collect();
    if order.is_sorted_by(|a, b| a < b) {
        return in_order(saved, live);
    }
    rearranged(&saved, &live).unwrap_or(Op::Reorder { saved, live })
}

fn in_order(saved: Vec<Layout>, live: Vec<(Option<usize>, Op)>) -> Op {
    let mut ops = Vec::new();
    let mut next = 0;
    for (source, op) in live {
        if let Some(source) = source {
            ops.extend(saved[next..source].iter().cloned().map(Op::Skip));
            next = source + 1;
        }
        ops.push(op);
    }
    ops.extend(saved[next..].iter().cloned().map(Op::Skip));
    sequence(ops)
}

/// As one patch, if all saved fields have fixed widths and all live ones are made from them by a patch.
fn rearranged(saved: &[Layout], live: &[(Option<usize>, Op)]) -> Option<Op> {
    let mut offsets = Vec::with_capacity(saved.len());
    let mut end = 0_usize;
    for layout in saved {
        offsets.push(end);
        end = end.saturating_add(layout.fixed()?);
    }
    let mut builder = PatchBuilder::default();
    for (source, op) in live {
        builder.width = source.map_or(builder.width, |source| offsets[source]);
        if !builder.push(op) {
            return None;
        }
    }
    builder.width = end;
    Some(builder.finish())
}

#[derive(Default)]
struct PatchBuilder {
    width: usize,
    template: Vec<u8>,
    runs: Vec<Run>,
    casts: Vec<CastRun>,
}

impl PatchBuilder {
    /// Adds what `op` does to the next bytes; false, and nothing added, if it does not fit into a patch.
    fn push(&mut self, op: &Op) -> bool {
        let Some((read, written)) = op.fixed() else { return false };
        if self.template.len().saturating_add(written) > PATCH_MAX
            || self.width.saturating_add(read) > SAVED_MAX
        {
            return false;
        }
        let (saved, live) = (self.width, self.template.len());
        match op {
            Op::Same(_) => {
                self.template.resize(live + written, 0);
                self.add_run(Run { saved, live, width: written });
            }
            Op::Insert(bytes) => self.template.extend_from_slice(bytes),
            Op::Patch(patch) => self.add_patch(patch),
            _ => {}
        }
        self.width = saved + read;
        true
    }

    fn add_run(&mut self, run: Run) {
        if run.width == 0 {
            return;
        }
        match self.runs.last_mut() {
            Some(last) if last.saved + last.width == run.saved && last.live + last.width == run.live => {
                last.width += run.width;
            }
            _ => self.runs.push(run),
        }
    }

    fn add_patch(&mut self, patch: &Patch) {
        let (saved, live) = (self.width, self.template.len());
        self.template.extend_from_slice(&patch.template);
        for run in &*patch.runs {
            self.add_run(Run { saved: saved + run.saved, live: live + run.live, width: run.width });
        }
        self.casts.extend(patch.casts.iter().map(|cast| CastRun {
            saved: saved + cast.saved,
            live: live + cast.live,
            ..cast.clone()
        }));
    }

    fn flush_into(&mut self, ops: &mut Vec<Op>) {
        let builder = std::mem::take(self);
        if builder.width > 0 || !builder.template.is_empty() {
            ops.push(builder.finish());
        }
    }

    fn finish(self) -> Op {
        let Self { width, template, runs, casts } = self;
        let all = [Run { saved: 0, live: 0, width }];
        if template.len() == width && runs == all && casts.is_empty() {
            return Op::Same(Layout::Fixed(width));
        }
        match (width, template.len()) {
            (0, 0) => Op::Same(Layout::Fixed(0)),
            (0, _) => Op::Insert(template.into()),
            (_, 0) => Op::Skip(Layout::Fixed(width)),
            _ => {
                Op::Patch(Patch { width, template: template.into(), runs: runs.into(), casts: casts.into() })
            }
        }
    }
}
