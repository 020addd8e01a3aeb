//! How much work a value of a schema is, beyond what its bytes pay for.

use crate::layout::Layouts;
use crate::{StateError, TypeDef, TypeRef};

/// How many parts a value may have for which there need not be a byte: 65,536. A damaged schema would otherwise ask for
/// any number of them, for each of any number of values.
const PARTS_MAX: u64 = 1 << 16;

/// Refuses a schema whose values have too many parts, or none that ends: a type that directly contains itself.
pub(crate) fn check_parts(root: &TypeRef, types: &[TypeDef]) -> Result<(), StateError> {
    let mut parts = Parts { layouts: Layouts::of(types), named: vec![1; types.len()] };
    // From the inside out, one level in each pass, without recursion, as layouts are found. What is still growing after as
    // many passes as there are types contains itself.
    for _ in 0..=types.len() {
        if !parts.pass(types) {
            break;
        }
    }
    let most = parts.named.iter().copied().chain([parts.of(root)]).max().unwrap_or(0);
    if most > PARTS_MAX || parts.pass(types) {
        let reason = format!("a value of it has more than {PARTS_MAX} parts without bytes");
        return Err(StateError::SchemaDamaged { reason });
    }
    Ok(())
}

struct Parts {
    layouts: Layouts,
    /// Those of each named type, as far as they are known.
    named: Vec<u64>,
}

impl Parts {
    /// Counts the parts of all named types from those of others. Whether any number has changed.
    fn pass(&mut self, types: &[TypeDef]) -> bool {
        let mut has_changed = false;
        for (index, def) in types.iter().enumerate().rev() {
            let variants =
                def.variants.iter().map(|variant| self.sum(variant.fields.iter().map(|field| &field.ty)));
            let parts = variants.max().unwrap_or(0).saturating_add(1);
            has_changed |= std::mem::replace(&mut self.named[index], parts) != parts;
        }
        has_changed
    }

    fn of(&self, ty: &TypeRef) -> u64 {
        match ty {
            // With bytes for each element, these pay for them.
            TypeRef::Array(inner, _) if self.layouts.layout(inner).width_min() > 0 => self.of(inner),
            TypeRef::Array(inner, count) => self.of(inner).saturating_mul(*count),
            TypeRef::Tuple(inner) => self.sum(inner.iter()),
            TypeRef::Named(index) => self.named[*index as usize],
            // A list pays for its elements by its length: see `EMPTY_MAX`.
            _ => 1,
        }
    }

    fn sum<'t>(&self, types: impl Iterator<Item = &'t TypeRef>) -> u64 {
        types.fold(0, |sum, ty| sum.saturating_add(self.of(ty)))
    }
}
