//! Compares a saved schema with a live one and compiles what has to be done.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::moving::{Moves, Pair};
use super::number::Cast;
use super::op::{self, ConvertOp, Op, VariantOp};
use super::{Change, ChangeKind, Loss, Migration};
use crate::builder::{FieldNotes, VariantNotes};
use crate::layout::{Layout, Layouts};
use crate::{Field, LiveSchema, Shape, TypeRef, TypeSchema, Variant};

/// How many different named types may lie inside one another. Deeper ones are not compared, so that a damaged
/// schema cannot use up the stack.
const NESTED_MAX: usize = 100;

pub(super) fn plan(saved: &TypeSchema, live: &LiveSchema) -> Migration {
    plan_with(saved, live, None).0
}

/// The migration of what does not move, and which fields do.
pub(super) fn plan_with(
    saved: &TypeSchema,
    live: &LiveSchema,
    moves: Option<Moves<'_>>,
) -> (Migration, Vec<(usize, usize)>) {
    let mut planner = Planner {
        saved,
        live,
        layouts: Layouts::of(saved.types()),
        path: live.schema().name_of(live.schema().root()),
        changes: Vec::new(),
        procedures: Vec::new(),
        known: HashMap::new(),
        depth: 0,
        pair: moves.is_some().then(Pair::default),
        moves,
    };
    let default = live.type_default(live.schema().root());
    let op = planner.value_or_default(saved.root(), live.schema().root(), default);
    let Planner { layouts, changes, procedures, moves, .. } = planner;
    // A procedure that is never finished is never called: its type turned out incompatible.
    let procedures = procedures.into_iter().map(|op| op.unwrap_or(Op::Group(Vec::new()))).collect();
    let worst = changes.iter().map(Change::loss).max().unwrap_or(Loss::None);
    let migration = Migration { op, procedures, layouts, changes, worst, accepted: false };
    (migration, moves.map(|moves| moves.found).unwrap_or_default())
}

struct Planner<'a> {
    saved: &'a TypeSchema,
    live: &'a LiveSchema,
    layouts: Layouts,
    path: String,
    changes: Vec<Change>,
    procedures: Vec<Option<Op>>,
    known: HashMap<(u32, u32), Known>,
    depth: usize,
    moves: Option<Moves<'a>>,
    /// Where the values that are planned next lie, if they lie in the root struct or in a struct within it. Whatever
    /// plans something inside them takes it.
    pair: Option<Pair>,
}

/// What is known of the pair of a saved and a live named type.
enum Known {
    /// It is being planned, and contains itself if it has a procedure.
    Begun { procedure: Option<usize> },
    /// It was planned; its changes have paths that begin where the type does.
    Planned { op: Option<Op>, changes: Vec<Change> },
}

impl Planner<'_> {
    /// The operation for a value, or none if the types have nothing to do with each other.
    fn value(&mut self, saved: &TypeRef, live: &TypeRef) -> Option<Op> {
        let (saved_schema, live_schema) = (self.saved, self.live.schema());
        let pair = self.pair.take();
        if let (Some(pair), TypeRef::Named(from), TypeRef::Named(to)) = (pair, saved, live) {
            return self.within(pair, *from, *to);
        }
        if Alike::with_names(saved_schema, live_schema).holds(saved, live) {
            return Some(Op::Same(self.layouts.layout(saved)));
        }
        match (saved, live) {
            (TypeRef::Number(from), TypeRef::Number(to)) => Some(self.number(Cast { from: *from, to: *to })),
            (TypeRef::Option(from), TypeRef::Option(to)) => {
                self.value(from, to).map(|some| Op::Option(Box::new(some)))
            }
            (saved_ty, TypeRef::Option(to)) => self.wrapped(saved_ty, live, to),
            (TypeRef::Option(from), live_ty) => {
                self.unwrapped(saved, from, live_ty, self.live.type_default(live_ty))
            }
            (TypeRef::Set(from), TypeRef::Sequence(to)) => {
                self.converted(saved, live);
                self.sequence(from, to)
            }
            (TypeRef::Sequence(from), TypeRef::Sequence(to)) | (TypeRef::Set(from), TypeRef::Set(to)) => {
                self.sequence(from, to)
            }
            (TypeRef::Map(key, value), TypeRef::Map(to_key, to_value)) => {
                let key_op = self.at("[key]", |planner| planner.value(key, to_key))?;
                let value_op = self.at("[]", |planner| planner.value(value, to_value))?;
                let entry = TypeRef::Tuple(vec![(**key).clone(), (**value).clone()]);
                Some(self.elements(&entry, op::sequence(vec![key_op, value_op])))
            }
            (TypeRef::Array(from, count), TypeRef::Array(to, same)) if count == same => {
                let element = self.at("[]", |planner| planner.value(from, to))?;
                Some(self.array(from, *count, element))
            }
            (TypeRef::Array(from, count), TypeRef::Sequence(to)) => {
                self.converted(saved, live);
                let element = self.at("[]", |planner| planner.value(from, to))?;
                let array = self.array(from, *count, element);
                Some(op::sequence(vec![Op::insert(count.to_le_bytes().to_vec()), array]))
            }
            (TypeRef::Tuple(from), TypeRef::Tuple(to)) if from.len() == to.len() => self.tuple(from, to),
            (TypeRef::Named(from), TypeRef::Named(to)) => self.named(*from, *to),
            _ => None,
        }
    }

    /// The operation for a value whose place may take a default; notes a loss if the types are incompatible.
    fn value_or_default(&mut self, saved: &TypeRef, live: &TypeRef, default: Option<Vec<u8>>) -> Op {
        let changes = self.changes.len();
        let planned = match (saved, live) {
            (TypeRef::Option(_), TypeRef::Option(_)) => self.value(saved, live),
            (TypeRef::Option(inner), _) => self.unwrapped(saved, inner, live, default.clone()),
            _ => self.value(saved, live),
        };
        if let Some(op) = planned {
            return op;
        }
        self.changes.truncate(changes);
        let (from, to) = self.names(saved, live);
        let loss = if default.is_some() { Loss::Certain } else { Loss::Impossible };
        self.note(ChangeKind::Incompatible { from, to }, loss);
        let skip = Op::Skip(self.layouts.layout(saved));
        op::sequence(vec![skip, Op::insert(default.unwrap_or_default())])
    }

    fn number(&mut self, cast: Cast) -> Op {
        let (from, to) = (cast.from.name().to_owned(), cast.to.name().to_owned());
        match cast.is_lossless() {
            true => self.note(ChangeKind::Converted { from, to }, Loss::None),
            false => self.note(ChangeKind::Narrowed { from, to }, Loss::Possible),
        }
        Op::cast(cast, &self.path)
    }

    fn wrapped(&mut self, saved: &TypeRef, live: &TypeRef, inner: &TypeRef) -> Option<Op> {
        self.converted(saved, live);
        let some = self.value(saved, inner)?;
        Some(op::sequence(vec![Op::insert(vec![1]), some]))
    }

    fn unwrapped(
        &mut self,
        saved: &TypeRef,
        inner: &TypeRef,
        live: &TypeRef,
        default: Option<Vec<u8>>,
    ) -> Option<Op> {
        let (from, to) = self.names(saved, live);
        self.note(ChangeKind::Narrowed { from, to }, Loss::Possible);
        let some = Box::new(self.value(inner, live)?);
        Some(Op::Unwrap { path: self.path.as_str().into(), some, default: default.map(Arc::from) })
    }

    fn sequence(&mut self, from: &TypeRef, to: &TypeRef) -> Option<Op> {
        let element = self.at("[]", |planner| planner.value(from, to))?;
        Some(self.elements(from, element))
    }

    fn elements(&self, saved: &TypeRef, element: Op) -> Op {
        let layout = self.layouts.layout(saved);
        match element {
            Op::Same(_) => Op::Same(Layout::Sequence(Box::new(layout))),
            element => Op::Sequence { width_min: layout.width_min(), element: Box::new(element) },
        }
    }

    fn array(&self, saved: &TypeRef, count: u64, element: Op) -> Op {
        let width_min = self.layouts.layout(saved).width_min();
        match element {
            Op::Same(_) => Op::Same(self.layouts.layout(&TypeRef::Array(Box::new(saved.clone()), count))),
            element => Op::Array {
                count: usize::try_from(count).unwrap_or(usize::MAX),
                width_min,
                element: Box::new(element),
            },
        }
    }

    fn tuple(&mut self, from: &[TypeRef], to: &[TypeRef]) -> Option<Op> {
        let ops = from
            .iter()
            .zip(to)
            .enumerate()
            .map(|(index, (from, to))| self.at(&format!(".{index}"), |planner| planner.value(from, to)))
            .collect::<Option<Vec<_>>>()?;
        Some(op::sequence(ops))
    }

    fn named(&mut self, saved: u32, live: u32) -> Option<Op> {
        match self.known.get_mut(&(saved, live)) {
            Some(Known::Begun { procedure }) => {
                let number = *procedure.get_or_insert(self.procedures.len());
                if number == self.procedures.len() {
                    self.procedures.push(None);
                }
                return Some(Op::Call(number));
            }
            Some(Known::Planned { op, changes }) => {
                self.changes.extend(changes.iter().map(|change| Change {
                    path: format!("{}{}", self.path, change.path),
                    ..change.clone()
                }));
                return op.clone();
            }
            None => {}
        }
        if self.depth == NESTED_MAX {
            return None;
        }
        self.known.insert((saved, live), Known::Begun { procedure: None });
        let first = self.changes.len();
        self.depth += 1;
        let op = self.shapes(saved, live);
        self.depth -= 1;
        let changes = self.changes[first..]
            .iter()
            .map(|change| Change { path: change.path[self.path.len()..].to_owned(), ..change.clone() });
        let planned = Known::Planned { op: op.clone(), changes: changes.collect() };
        let Some(Known::Begun { procedure: Some(number) }) = self.known.insert((saved, live), planned) else {
            return op;
        };
        self.procedures[number] = op;
        if let Some(Known::Planned { op, .. }) = self.known.get_mut(&(saved, live)) {
            *op = Some(Op::Call(number));
        }
        Some(Op::Call(number))
    }

    /// As [`Self::named`], for one that lies in the root struct: there some fields may move that don't elsewhere.
    fn within(&mut self, pair: Pair, saved: u32, live: u32) -> Option<Op> {
        if self.depth == NESTED_MAX {
            return None;
        }
        self.pair = Some(pair);
        self.depth += 1;
        let op = self.shapes(saved, live);
        self.depth -= 1;
        self.pair = None;
        op
    }

    fn shapes(&mut self, saved: u32, live: u32) -> Option<Op> {
        let (from, to) = (&self.saved.types()[saved as usize], &self.live.schema().types()[live as usize]);
        if from.shape != to.shape {
            return None;
        }
        if from.name != to.name {
            self.note(ChangeKind::Renamed { from: from.name.clone() }, Loss::None);
        }
        match from.shape {
            Shape::Struct => Some(self.fields(&from.variants[0].fields, live, 0)),
            Shape::Enum => {
                self.pair = None;
                Some(self.variants(saved, &from.variants, live, &to.variants))
            }
        }
    }

    fn variants(&mut self, saved_ty: u32, saved: &[Variant], live_ty: u32, live: &[Variant]) -> Op {
        let variants: Vec<_> =
            saved.iter().map(|variant| self.variant(variant, saved, live_ty, live)).collect();
        let unmoved = variants.iter().enumerate().all(|(index, variant)| {
            matches!(variant, VariantOp::Kept { number, payload: Op::Same(_) } if *number as usize == index)
        });
        if unmoved {
            return Op::Same(self.layouts.layout(&TypeRef::Named(saved_ty)));
        }
        let default = self.live.type_default(&TypeRef::Named(live_ty)).map(Arc::from);
        Op::Enum { path: self.path.as_str().into(), variants, default }
    }

    fn variant(&mut self, variant: &Variant, saved: &[Variant], live_ty: u32, live: &[Variant]) -> VariantOp {
        let known = |name: &str| saved.iter().any(|variant| variant.name == name);
        let notes = |index| self.live.variant_notes(live_ty, index);
        let same_name = live.iter().position(|other| other.name == variant.name);
        let number = same_name.or_else(|| {
            live.iter().enumerate().position(|(index, other)| {
                !known(&other.name)
                    && notes(index)
                        .is_some_and(|notes: &VariantNotes| notes.renamed_from.contains(&variant.name))
            })
        });
        let Some(number) = number else {
            self.at(&format!("::{}", variant.name), |planner| {
                planner.note(ChangeKind::DroppedVariant, Loss::Possible);
            });
            let fields = variant.fields.iter().map(|field| self.layouts.layout(&field.ty)).collect();
            let payload = crate::layout::group(fields);
            return VariantOp::Dropped { name: variant.name.as_str().into(), payload };
        };
        let payload = self.at(&format!("::{}", live[number].name), |planner| {
            if same_name.is_none() {
                planner.note(ChangeKind::Renamed { from: variant.name.clone() }, Loss::None);
            }
            planner.fields(&variant.fields, live_ty, number)
        });
        VariantOp::Kept { number: number as u32, payload }
    }

    fn fields(&mut self, saved: &[Field], live_ty: u32, variant: usize) -> Op {
        let live = &self.live.schema().types()[live_ty as usize].variants[variant].fields;
        let pair = self.pair.take();
        let mut used = HashSet::new();
        let mut ops = Vec::with_capacity(live.len());
        for (index, field) in live.iter().enumerate() {
            let default = self.live.field_default(live_ty, variant, index);
            let notes = self.live.variant_notes(live_ty, variant).and_then(|notes| notes.fields.get(index));
            let source = find_source(field, notes, saved, live).filter(|source| used.insert(*source));
            let op = self.at(&format!(".{}", field.name), |planner| match source {
                Some(source) => {
                    planner.pair = pair.as_ref().map(|pair| pair.inside(source, index));
                    planner.field(&saved[source], field, notes, default)
                }
                None => planner.added(field, default),
            });
            ops.push((source, op));
        }
        for (_, field) in saved.iter().enumerate().filter(|(index, _)| !used.contains(index)) {
            let ty = self.saved.name_of(&field.ty);
            self.at(&format!(".{}", field.name), |planner| {
                planner.note(ChangeKind::Dropped { ty }, Loss::Certain);
            });
        }
        op::fields(saved.iter().map(|field| self.layouts.layout(&field.ty)).collect(), ops)
    }

    fn field(
        &mut self,
        saved: &Field,
        live: &Field,
        notes: Option<&FieldNotes>,
        default: Option<Vec<u8>>,
    ) -> Op {
        let renamed = saved.name != live.name;
        if renamed {
            self.note(ChangeKind::Renamed { from: saved.name.clone() }, Loss::None);
        }
        // Under its own name, a value of the field's present type was already converted when it was saved.
        let present =
            !renamed && Alike::with_names(self.saved, self.live.schema()).holds(&saved.ty, &live.ty);
        let conversion = notes.into_iter().flat_map(|notes| &notes.conversions).find(|conversion| {
            Alike::without_names(self.saved, &conversion.from).holds(&saved.ty, conversion.from.root())
        });
        match conversion {
            Some(conversion) if !present => {
                self.pair = None;
                self.converted(&saved.ty, &live.ty);
                Op::Convert(ConvertOp(Arc::clone(&conversion.convert)))
            }
            _ => match self.moved(&saved.ty, &live.ty, &default) {
                Some(op) => op,
                None => self.value_or_default(&saved.ty, &live.ty, default),
            },
        }
    }

    /// Lets the field move if it can, and writes something in its place. If it can't, those within it may.
    fn moved(&mut self, saved: &TypeRef, live: &TypeRef, default: &Option<Vec<u8>>) -> Option<Op> {
        let (pair, moves) = (self.pair.take()?, self.moves.as_mut()?);
        let places = moves.places(&pair)?;
        let placeholder = moves.placeholder(places, default.clone(), live, self.live);
        let is_alike = Alike::with_names(self.saved, self.live.schema()).holds(saved, live);
        let Some(placeholder) = placeholder.filter(|_| is_alike) else {
            self.pair = Some(pair);
            return None;
        };
        moves.found.push(places);
        Some(op::sequence(vec![Op::Skip(self.layouts.layout(saved)), Op::insert(placeholder)]))
    }

    fn added(&mut self, field: &Field, default: Option<Vec<u8>>) -> Op {
        match &default {
            Some(_) => self.note(ChangeKind::Defaulted, Loss::None),
            None => {
                let ty = self.live.schema().name_of(&field.ty);
                self.note(ChangeKind::Undefaulted { ty }, Loss::Impossible);
            }
        }
        Op::insert(default.unwrap_or_default())
    }

    fn converted(&mut self, saved: &TypeRef, live: &TypeRef) {
        let (from, to) = self.names(saved, live);
        self.note(ChangeKind::Converted { from, to }, Loss::None);
    }

    fn names(&self, saved: &TypeRef, live: &TypeRef) -> (String, String) {
        (self.saved.name_of(saved), self.live.schema().name_of(live))
    }

    fn note(&mut self, kind: ChangeKind, loss: Loss) {
        self.changes.push(Change { path: self.path.clone(), kind, loss });
    }

    fn at<T>(&mut self, segment: &str, plan: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        self.path.push_str(segment);
        let planned = plan(self);
        self.path.truncate(length);
        planned
    }
}

/// The saved field that `field` is made from: the one of its name, or else of a name it had, if no live field
/// has that name now.
fn find_source(field: &Field, notes: Option<&FieldNotes>, saved: &[Field], live: &[Field]) -> Option<usize> {
    let find = |name: &str| saved.iter().position(|other| other.name == name);
    find(&field.name).or_else(|| {
        notes?
            .renamed_from
            .iter()
            .filter(|old| live.iter().all(|other| other.name != **old))
            .find_map(|old| find(old))
    })
}

/// Whether types of two schemas have the same bytes and the same names of fields and variants.
struct Alike<'a> {
    a: &'a TypeSchema,
    b: &'a TypeSchema,
    names: bool,
    // Pairs that are being compared: a type that contains itself is alike if nothing else differs.
    begun: HashSet<(u32, u32)>,
    depth: usize,
}

impl<'a> Alike<'a> {
    /// The names of the types count too.
    fn with_names(a: &'a TypeSchema, b: &'a TypeSchema) -> Self {
        Self { a, b, names: true, begun: HashSet::new(), depth: 0 }
    }

    fn without_names(a: &'a TypeSchema, b: &'a TypeSchema) -> Self {
        Self { names: false, ..Self::with_names(a, b) }
    }

    fn holds(&mut self, a: &TypeRef, b: &TypeRef) -> bool {
        match (a, b) {
            (TypeRef::Named(a), TypeRef::Named(b)) => self.named(*a, *b),
            (TypeRef::Option(a), TypeRef::Option(b))
            | (TypeRef::Sequence(a), TypeRef::Sequence(b))
            | (TypeRef::Set(a), TypeRef::Set(b)) => self.holds(a, b),
            (TypeRef::Array(a, count), TypeRef::Array(b, same)) => count == same && self.holds(a, b),
            (TypeRef::Map(a, a_value), TypeRef::Map(b, b_value)) => {
                self.holds(a, b) && self.holds(a_value, b_value)
            }
            (TypeRef::Tuple(a), TypeRef::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.holds(a, b))
            }
            (a, b) => a == b,
        }
    }

    fn named(&mut self, a: u32, b: u32) -> bool {
        if !self.begun.insert((a, b)) {
            return true;
        }
        if self.depth == NESTED_MAX {
            return false;
        }
        self.depth += 1;
        let (a, b) = (&self.a.types()[a as usize], &self.b.types()[b as usize]);
        let alike = (a.name == b.name || !self.names)
            && a.shape == b.shape
            && a.variants.len() == b.variants.len()
            && a.variants.iter().zip(&b.variants).all(|(left, right)| {
                // A struct's only variant has the struct's name.
                (left.name == right.name || a.shape == Shape::Struct)
                    && left.fields.len() == right.fields.len()
                    && left
                        .fields
                        .iter()
                        .zip(&right.fields)
                        .all(|(a, b)| a.name == b.name && self.holds(&a.ty, &b.ty))
            });
        self.depth -= 1;
        alike
    }
}
