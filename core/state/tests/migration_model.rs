//! Property: a migration of bytes agrees with a naive one of decoded values, for random types, edits and values.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use keel_state::{
    ChangeKind, Field, FieldStyle, LiveSchema, Migration, Number, Shape, TypeDef, TypeRef, TypeSchema, Value,
    Variant,
};
use proptest::prelude::*;
use proptest::test_runner::TestRng;

const NUMBERS: [Number; 5] = [Number::U8, Number::U16, Number::I32, Number::F32, Number::F64];

/// What the tests draw from proptest's random numbers.
struct Draw(TestRng);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0.random_range(0..bound)
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// A type; a named one only inside a sequence, an option or a map, so that values end.
    fn ty(&mut self, depth: usize) -> TypeRef {
        let inner = |draw: &mut Self| match draw.chance(40) {
            true => TypeRef::Named(draw.below(3) as u32),
            false => draw.ty(depth + 1),
        };
        match self.below(if depth < 2 { 12 } else { 6 }) {
            0 => TypeRef::Bool,
            1 => TypeRef::Char,
            2 => TypeRef::String,
            3..6 => TypeRef::Number(NUMBERS[self.below(NUMBERS.len())]),
            6 => TypeRef::Option(Box::new(inner(self))),
            7 => TypeRef::Map(Box::new(TypeRef::Number(Number::U8)), Box::new(inner(self))),
            8 => TypeRef::Array(Box::new(self.ty(depth + 1)), self.below(3) as u64),
            9 => TypeRef::Tuple(vec![self.ty(depth + 1), self.ty(depth + 1)]),
            _ => TypeRef::Sequence(Box::new(inner(self))),
        }
    }

    fn fields(&mut self) -> Vec<Field> {
        (0..self.below(5)).map(|index| Field { name: format!("f{index}"), ty: self.ty(0) }).collect()
    }

    fn schema(&mut self) -> TypeSchema {
        let mut def = |name: &str, shape, count| TypeDef {
            name: name.to_owned(),
            shape,
            variants: (0..count)
                .map(|index| Variant {
                    name: format!("V{index}"),
                    style: FieldStyle::Named,
                    fields: self.fields(),
                })
                .collect(),
        };
        let types = vec![def("A", Shape::Struct, 1), def("B", Shape::Struct, 1), def("C", Shape::Enum, 3)];
        TypeSchema::new(TypeRef::Named(0), types).unwrap()
    }

    /// The schema after a day's work.
    fn edited(&mut self, schema: &TypeSchema) -> TypeSchema {
        let mut types = schema.types().to_vec();
        for def in &mut types {
            for variant in &mut def.variants {
                self.edit_fields(&mut variant.fields);
            }
            if def.shape == Shape::Enum {
                let added = Variant { name: "New".to_owned(), style: FieldStyle::Unit, fields: Vec::new() };
                def.variants.insert(self.below(4), added);
                let from = self.below(4);
                let moved = def.variants.remove(from);
                def.variants.insert(self.below(4), moved);
            }
        }
        TypeSchema::new(schema.root().clone(), types).unwrap()
    }

    fn edit_fields(&mut self, fields: &mut Vec<Field>) {
        for field in fields.iter_mut() {
            self.edit_type(&mut field.ty);
        }
        if !fields.is_empty() && self.chance(30) {
            let gone = self.below(fields.len());
            fields.remove(gone);
        }
        if !fields.is_empty() && self.chance(30) {
            let from = self.below(fields.len());
            let moved = fields.remove(from);
            fields.insert(self.below(fields.len() + 1), moved);
        }
        if self.chance(30) {
            let added = Field { name: "added".to_owned(), ty: TypeRef::Number(NUMBERS[self.below(5)]) };
            fields.insert(self.below(fields.len() + 1), added);
        }
    }

    fn edit_type(&mut self, ty: &mut TypeRef) {
        match ty {
            TypeRef::Number(number) if self.chance(30) => *number = NUMBERS[self.below(NUMBERS.len())],
            TypeRef::Option(inner) | TypeRef::Sequence(inner) | TypeRef::Array(inner, _) => {
                self.edit_type(inner);
            }
            TypeRef::Map(_, value) => self.edit_type(value),
            TypeRef::Tuple(inner) => inner.iter_mut().for_each(|ty| self.edit_type(ty)),
            _ => {}
        }
        if !matches!(ty, TypeRef::Option(_)) && self.chance(10) {
            *ty = TypeRef::Option(Box::new(ty.clone()));
        }
    }

    /// Appends the bytes of a random value.
    fn value(&mut self, schema: &TypeSchema, ty: &TypeRef, depth: usize, out: &mut Vec<u8>) {
        let more = if depth > 3 { 1 } else { 3 };
        match ty {
            TypeRef::Bool => out.push(self.below(2) as u8),
            TypeRef::Char => out.extend_from_slice(["a", "ß", "€", "🦀"][self.below(4)].as_bytes()),
            TypeRef::String => keel_state::encode_into(["", "x", "ßß"][self.below(3)], out).unwrap(),
            TypeRef::Number(Number::F32) => {
                out.extend_from_slice(&(self.below(99) as f32 * 0.5).to_le_bytes())
            }
            TypeRef::Number(Number::F64) => {
                out.extend_from_slice(&(self.below(99) as f64 * 0.25).to_le_bytes())
            }
            TypeRef::Number(number) => (0..number.width()).for_each(|_| out.push(self.below(256) as u8)),
            TypeRef::Option(inner) => {
                let is_some = self.below(more) > 0;
                out.push(is_some.into());
                if is_some {
                    self.value(schema, inner, depth + 1, out);
                }
            }
            TypeRef::Sequence(inner) => {
                let count = self.below(more);
                out.extend_from_slice(&(count as u64).to_le_bytes());
                (0..count).for_each(|_| self.value(schema, inner, depth + 1, out));
            }
            TypeRef::Map(_, value) => {
                let count = self.below(more);
                out.extend_from_slice(&(count as u64).to_le_bytes());
                for key in 0..count {
                    out.push(key as u8);
                    self.value(schema, value, depth + 1, out);
                }
            }
            TypeRef::Array(inner, count) => {
                (0..*count).for_each(|_| self.value(schema, inner, depth + 1, out));
            }
            TypeRef::Tuple(inner) => inner.iter().for_each(|ty| self.value(schema, ty, depth + 1, out)),
            TypeRef::Named(index) => {
                let def = &schema.types()[*index as usize];
                let number = self.below(def.variants.len());
                if def.shape == Shape::Enum {
                    out.extend_from_slice(&(number as u32).to_le_bytes());
                }
                let fields = &def.variants[number].fields;
                fields.iter().for_each(|field| self.value(schema, &field.ty, depth + 1, out));
            }
            other => panic!("{other:?} is not drawn"),
        }
    }
}

/// Migrates decoded values, one type at a time, in the plainest way.
struct Model<'a> {
    saved: &'a TypeSchema,
    live: &'a TypeSchema,
}

impl Model<'_> {
    fn value(&self, value: Value, saved: &TypeRef, live: &TypeRef) -> Value {
        let each = |values: Vec<Value>, from: &TypeRef, to: &TypeRef| {
            values.into_iter().map(|value| self.value(value, from, to)).collect()
        };
        match (value, saved, live) {
            (Value::Option(value), TypeRef::Option(from), TypeRef::Option(to)) => {
                Value::Option(value.map(|value| Box::new(self.value(*value, from, to))))
            }
            (value, from, TypeRef::Option(to)) => Value::Option(Some(Box::new(self.value(value, from, to)))),
            (value, TypeRef::Number(from), TypeRef::Number(to)) if from != to => number(&value, *to),
            (Value::Sequence(values), TypeRef::Sequence(from), TypeRef::Sequence(to))
            | (Value::Sequence(values), TypeRef::Array(from, _), TypeRef::Array(to, _)) => {
                Value::Sequence(each(values, from, to))
            }
            (Value::Map(entries), TypeRef::Map(_, from), TypeRef::Map(_, to)) => Value::Map(
                entries.into_iter().map(|(key, value)| (key, self.value(value, from, to))).collect(),
            ),
            (Value::Tuple(values), TypeRef::Tuple(from), TypeRef::Tuple(to)) => Value::Tuple(
                values
                    .into_iter()
                    .zip(from.iter().zip(to))
                    .map(|(v, (from, to))| self.value(v, from, to))
                    .collect(),
            ),
            (Value::Named { name, variant, fields, .. }, TypeRef::Named(from), TypeRef::Named(to)) => {
                let find = |schema: &TypeSchema, index: u32| {
                    let variants = schema.types()[index as usize].variants.clone();
                    variants.into_iter().find(|known| variant.as_ref().is_none_or(|name| *name == known.name))
                };
                let (from, to) = (find(self.saved, *from).unwrap(), find(self.live, *to).unwrap());
                let fields =
                    to.fields.iter().map(|field| (field.name.clone(), self.field(&fields, &from, field)));
                Value::Named { name, variant, style: to.style, fields: fields.collect() }
            }
            (value, ..) => value,
        }
    }

    fn field(&self, values: &[(String, Value)], saved: &Variant, live: &Field) -> Value {
        let Some(from) = saved.fields.iter().find(|field| field.name == live.name) else {
            let TypeRef::Number(zero) = live.ty else { panic!("only numbers are added") };
            return number(&Value::Unsigned(0), zero);
        };
        let value = values.iter().find(|(name, _)| *name == live.name).unwrap().1.clone();
        self.value(value, &from.ty, &live.ty)
    }
}

/// All numbers drawn are exact as `f64`.
fn number(value: &Value, to: Number) -> Value {
    let value = match value {
        Value::Unsigned(value) => *value as f64,
        Value::Signed(value) => *value as f64,
        Value::F32(bits) => f32::from_bits(*bits).into(),
        Value::F64(bits) => f64::from_bits(*bits),
        other => panic!("{other} is no number"),
    };
    match to {
        Number::U8 => Value::Unsigned((value.round() as u8).into()),
        Number::U16 => Value::Unsigned((value.round() as u16).into()),
        Number::I32 => Value::Signed((value.round() as i32).into()),
        Number::F32 => Value::F32((value as f32).to_bits()),
        Number::F64 => Value::F64(value.to_bits()),
        other => panic!("{other:?} is not drawn"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn bytes_migrate_as_values_do(rng in any::<u64>().prop_perturb(|_, rng| rng)) {
        let mut draw = Draw(rng);
        let saved = draw.schema();
        let live = draw.edited(&saved);
        let mut bytes = Vec::new();
        let count = 3;
        (0..count).for_each(|_| draw.value(&saved, saved.root(), 0, &mut bytes));

        let migration = Migration::plan(&saved, &LiveSchema::from(live.clone())).accept_losses();
        for change in migration.changes() {
            let incompatible = matches!(change.kind(), ChangeKind::Incompatible { .. } | ChangeKind::Undefaulted { .. });
            prop_assert!(!incompatible, "{change}");
        }
        let (mut rest, mut out) = (bytes.as_slice(), Vec::new());
        migration.apply_column(count, &mut rest, &mut out).unwrap();
        prop_assert!(rest.is_empty());
        prop_assert!(!migration.is_identity() || out == bytes);

        let (mut before, mut after) = (bytes.as_slice(), out.as_slice());
        for _ in 0..count {
            let expected = Value::decode(&saved, &mut before).unwrap();
            let expected = Model { saved: &saved, live: &live }.value(expected, saved.root(), live.root());
            prop_assert_eq!(Value::decode(&live, &mut after).unwrap(), expected, "{} -> {}", saved, live);
        }
        prop_assert!(after.is_empty());

        for end in 0..bytes.len() {
            prop_assert!(migration.apply_column(count, &mut &bytes[..end], &mut Vec::new()).is_err());
        }
        let mut damaged = bytes.clone();
        if !damaged.is_empty() {
            let at = draw.below(damaged.len());
            damaged[at] = draw.below(256) as u8;
            let _ = migration.apply_column(count, &mut damaged.as_slice(), &mut Vec::new());
        }
    }

    #[test]
    fn unrelated_schemas_never_harm(rng in any::<u64>().prop_perturb(|_, rng| rng)) {
        let mut draw = Draw(rng);
        let (saved, live) = (draw.schema(), draw.schema());
        let mut bytes = Vec::new();
        draw.value(&saved, saved.root(), 0, &mut bytes);
        let migration = Migration::plan(&saved, &LiveSchema::from(live.clone())).accept_losses();
        let mut out = Vec::new();
        if migration.apply(&mut bytes.as_slice(), &mut out).is_ok() {
            let mut rest = out.as_slice();
            prop_assert!(Value::decode(&live, &mut rest).is_ok());
            prop_assert!(rest.is_empty());
        }
    }
}
