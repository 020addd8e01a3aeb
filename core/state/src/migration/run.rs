//! Applies the operations of a migration to bytes.

use super::op::{Op, Patch, Run as CopyRun, VariantOp};
use crate::bytes::{check_count, corrupt, take, take_array, take_flag, take_length};
use crate::layout::{Layout, Layouts};
use crate::{DEPTH_MAX, StateError};

/// Up to how many fields are found without allocating.
const FEW: usize = 16;

pub(super) struct Run<'a> {
    pub(super) procedures: &'a [Op],
    pub(super) layouts: &'a Layouts,
    pub(super) accepted: bool,
}

impl Run<'_> {
    pub(super) fn column(
        &self,
        op: &Op,
        count: usize,
        saved: &mut &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), StateError> {
        self.many(op, count, saved, out, 0)
    }

    fn many(
        &self,
        op: &Op,
        count: usize,
        saved: &mut &[u8],
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), StateError> {
        match op {
            Op::Same(Layout::Fixed(width)) => {
                // Without a check for values that have no bytes: a column may hold any number of them.
                out.extend_from_slice(take(saved, count.saturating_mul(*width))?);
                Ok(())
            }
            Op::Patch(patch) => {
                check_count(saved, count, patch.width)?;
                let values = take(saved, count * patch.width)?;
                if patch.casts.is_empty() {
                    patch_all(patch, values, out);
                    return Ok(());
                }
                out.reserve(count * patch.template.len());
                values.chunks_exact(patch.width).try_for_each(|value| self.patch(patch, value, out))
            }
            op => (0..count).try_for_each(|_| self.one(op, saved, out, depth)),
        }
    }

    fn one(&self, op: &Op, saved: &mut &[u8], out: &mut Vec<u8>, depth: usize) -> Result<(), StateError> {
        match op {
            Op::Same(layout) => self.same(layout, saved, out, depth),
            Op::Insert(bytes) => {
                out.extend_from_slice(bytes);
                Ok(())
            }
            Op::Skip(layout) => self.layouts.skip(layout, saved, depth),
            Op::Patch(patch) => self.patch(patch, take(saved, patch.width)?, out),
            Op::Group(ops) => ops.iter().try_for_each(|op| self.one(op, saved, out, depth)),
            Op::Reorder { saved: fields, live } => self.reorder(fields, live, saved, out, depth),
            Op::Sequence { width_min, element } => {
                let count = take_length(saved)?;
                out.extend_from_slice(&(count as u64).to_le_bytes());
                check_count(saved, count, *width_min)?;
                self.many(element, count, saved, out, depth)
            }
            Op::Array { count, width_min, element } => {
                check_count(saved, *count, *width_min)?;
                self.many(element, *count, saved, out, depth)
            }
            Op::Option(some) => {
                let is_some = take_flag(saved, "an option")?;
                out.push(is_some.into());
                if is_some { self.one(some, saved, out, depth) } else { Ok(()) }
            }
            Op::Unwrap { path, some, default } => match (take_flag(saved, "an option")?, default) {
                (true, _) => self.one(some, saved, out, depth),
                (false, default) => self.fall_back(path, "`None`", default.as_deref(), out),
            },
            Op::Enum { path, variants, default } => {
                let number = u32::from_le_bytes(take_array(saved)?);
                match variants.get(number as usize) {
                    None => Err(corrupt("the number of a variant", number)),
                    Some(VariantOp::Kept { number, payload }) => {
                        out.extend_from_slice(&number.to_le_bytes());
                        self.one(payload, saved, out, depth)
                    }
                    Some(VariantOp::Dropped { name, payload }) => {
                        self.layouts.skip(payload, saved, depth)?;
                        self.fall_back(path, &format!("`{name}`"), default.as_deref(), out)
                    }
                }
            }
            Op::Convert(convert) => (convert.0)(saved, out),
            Op::Call(_) if depth == DEPTH_MAX => Err(StateError::TooDeep { limit: DEPTH_MAX }),
            Op::Call(procedure) => self.one(&self.procedures[*procedure], saved, out, depth + 1),
        }
    }

    fn same(
        &self,
        layout: &Layout,
        saved: &mut &[u8],
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), StateError> {
        let before = *saved;
        self.layouts.skip(layout, saved, depth)?;
        out.extend_from_slice(&before[..before.len() - saved.len()]);
        Ok(())
    }

    #[inline]
    fn patch(&self, patch: &Patch, value: &[u8], out: &mut Vec<u8>) -> Result<(), StateError> {
        let start = out.len();
        out.extend_from_slice(&patch.template);
        let live = &mut out[start..];
        for CopyRun { saved, live: at, width } in &*patch.runs {
            copy_short(&mut live[*at..at + width], &value[*saved..saved + width]);
        }
        for cast in &*patch.casts {
            let from = &value[cast.saved..cast.saved + cast.cast.from.width()];
            let to = &mut live[cast.live..cast.live + cast.cast.to.width()];
            if !cast.cast.apply(from, to) && !self.accepted {
                let reason = format!("a value does not fit into {}", cast.cast.to.name());
                return Err(StateError::ValueLost { path: cast.path.to_string(), reason });
            }
        }
        Ok(())
    }

    fn reorder(
        &self,
        fields: &[Layout],
        live: &[(Option<usize>, Op)],
        saved: &mut &[u8],
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), StateError> {
        let (mut few, mut many) = ([&[][..]; FEW], Vec::new());
        let starts = match fields.len() {
            count @ ..=FEW => &mut few[..count],
            count => {
                many.resize(count, &[][..]);
                many.as_mut_slice()
            }
        };
        for (start, layout) in starts.iter_mut().zip(fields) {
            *start = *saved;
            self.layouts.skip(layout, saved, depth)?;
        }
        live.iter().try_for_each(|(source, op)| {
            let mut field = source.map_or(&[][..], |source| starts[source]);
            self.one(op, &mut field, out, depth)
        })
    }

    fn fall_back(
        &self,
        path: &str,
        what: &str,
        default: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<(), StateError> {
        let lost = |reason| Err(StateError::ValueLost { path: path.to_owned(), reason });
        match default {
            _ if !self.accepted => lost(format!("a value is {what}, which is no longer possible")),
            None => lost(format!("a value is {what}, which is no longer possible, and there is no default")),
            Some(default) => {
                out.extend_from_slice(default);
                Ok(())
            }
        }
    }
}

/// Applies a patch without casts to many values: first the templates, then one run after the other.
fn patch_all(patch: &Patch, values: &[u8], out: &mut Vec<u8>) {
    let (start, count) = (out.len(), values.len() / patch.width);
    let end = start + count * patch.template.len();
    out.extend_from_slice(&patch.template);
    while out.len() < end {
        // What is there already, or as much of it as is missing.
        let copied = (out.len() - start).min(end - out.len());
        out.extend_from_within(start..start + copied);
    }
    out.truncate(end);
    for run in &*patch.runs {
        let places = out[start..].chunks_exact_mut(patch.template.len());
        let places = places.map(|place| &mut place[run.live..run.live + run.width]);
        let values = values.chunks_exact(patch.width);
        let values = values.map(|value| &value[run.saved..run.saved + run.width]);
        let pairs = places.zip(values);
        match run.width {
            4 => pairs.for_each(copy_exactly::<4>),
            8 => pairs.for_each(copy_exactly::<8>),
            12 => pairs.for_each(copy_exactly::<12>),
            16 => pairs.for_each(copy_exactly::<16>),
            24 => pairs.for_each(copy_exactly::<24>),
            _ => pairs.for_each(|(place, value)| place.copy_from_slice(value)),
        }
    }
}

#[inline(always)]
fn copy_exactly<const N: usize>((place, value): (&mut [u8], &[u8])) {
    place[..N].copy_from_slice(&value[..N]);
}

/// Copies a run of a plain struct. The usual widths are known to the compiler, which spares a call for each.
#[inline]
fn copy_short(live: &mut [u8], saved: &[u8]) {
    match saved.len() {
        4 => live[..4].copy_from_slice(&saved[..4]),
        8 => live[..8].copy_from_slice(&saved[..8]),
        12 => live[..12].copy_from_slice(&saved[..12]),
        16 => live[..16].copy_from_slice(&saved[..16]),
        24 => live[..24].copy_from_slice(&saved[..24]),
        _ => live.copy_from_slice(saved),
    }
}
