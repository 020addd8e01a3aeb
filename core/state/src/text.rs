//! Reading declarations as text: what [`TypeSchema`]'s `Display` writes.

use std::collections::HashMap;
use std::str::FromStr;

use crate::{DEPTH_MAX, Field, FieldStyle, Number, Shape, StateError, TypeDef, TypeRef, TypeSchema, Variant};

/// Reads what [`Display`](std::fmt::Display) writes: structs and enums as Rust declares them, in any order. The first one is
/// the type described, unless another type stands before them. `//` begins a comment.
///
/// | text | the type |
/// |---|---|
/// | `u8` to `u128`, `i8` to `i128`, `f32`, `f64`, `bool`, `char`, `String`, `()` | itself |
/// | `Option<T>`, `Vec<T>`, `Set<T>`, `Map<K, V>`, `[T; 3]`, `(A, B)` | made of others |
/// | `Hull` | a struct or an enum that the text declares |
///
/// ```
/// use keel_state::TypeSchema;
///
/// let text = "struct Ship { hull: f32, weapon: Option<Weapon> } enum Weapon { Ram, Cannon { bore: u8 } }";
/// let schema: TypeSchema = text.parse()?;
/// assert_eq!(schema.types().len(), 2);
/// assert_eq!(schema.to_string().parse::<TypeSchema>()?, schema);
///
/// let wrong = "struct Ship { hull: Plank }".parse::<TypeSchema>().unwrap_err();
/// assert_eq!(wrong.to_string(), "line 1: `Plank` is no type; declare it in the same text");
/// # Ok::<(), keel_state::StateError>(())
/// ```
impl FromStr for TypeSchema {
    type Err = StateError;

    /// # Errors
    /// [`StateError::SchemaText`], which names the line.
    fn from_str(text: &str) -> Result<Self, StateError> {
        let tokens = tokens(text);
        let names = declared_names(&tokens)?;
        let mut reader = Reader { tokens: &tokens, next: 0, names: &names, depth: 0 };
        let mut root = TypeRef::Named(0);
        if !reader.is_at_declaration() {
            root = reader.ty()?;
        }
        let mut types = Vec::with_capacity(names.len());
        while !reader.is_at_end() {
            types.push(reader.declaration()?);
        }
        Self::new(root, types)
    }
}

/// A word or a sign, and its line.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Token<'t> {
    text: &'t str,
    line: usize,
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut rest = line.split("//").next().unwrap_or_default().trim_start();
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|letter: char| !is_of_word(letter)).unwrap_or(rest.len());
            let (token, after) = rest.split_at(word.max(first.len_utf8()));
            tokens.push(Token { text: token, line: number + 1 });
            rest = after.trim_start();
        }
    }
    tokens
}

/// Whether a name may have this letter.
pub(crate) fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn wrong(line: usize, reason: String, next: &str) -> StateError {
    StateError::SchemaText { line, reason, next: next.to_owned() }
}

/// The place of each type that the text declares.
fn declared_names<'t>(tokens: &[Token<'t>]) -> Result<HashMap<&'t str, u32>, StateError> {
    let mut names = HashMap::new();
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate() {
        match token.text {
            "{" | "(" | "[" | "<" => depth += 1,
            "}" | ")" | "]" | ">" => depth = depth.saturating_sub(1),
            "struct" | "enum" if depth == 0 => {
                let count = names.len() as u32;
                if let Some(name) = tokens.get(place + 1)
                    && names.insert(name.text, count).is_some()
                {
                    let reason = format!("`{}` is declared twice", name.text);
                    return Err(wrong(name.line, reason, "rename one of them"));
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

struct Reader<'t> {
    tokens: &'t [Token<'t>],
    next: usize,
    names: &'t HashMap<&'t str, u32>,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<&'t str> {
        self.tokens.get(self.next).map(|token| token.text)
    }

    fn is_at_end(&self) -> bool {
        self.next == self.tokens.len()
    }

    fn is_at_declaration(&self) -> bool {
        matches!(self.peek(), Some("struct" | "enum"))
    }

    fn line(&self) -> usize {
        self.tokens.get(self.next.min(self.tokens.len().saturating_sub(1))).map_or(1, |token| token.line)
    }

    /// What was found where `expected` should be.
    fn unexpected(&self, expected: &str) -> StateError {
        let found = self.peek().map_or_else(|| "the end".to_owned(), |found| format!("`{found}`"));
        wrong(self.line(), format!("{found} stands where {expected} should"), "declare types as Rust does")
    }

    fn take(&mut self, sign: &str) -> bool {
        let is_there = self.peek() == Some(sign);
        self.next += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, sign: &str) -> Result<(), StateError> {
        if self.take(sign) { Ok(()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    fn name(&mut self, what: &str) -> Result<&'t str, StateError> {
        match self.peek().filter(|word| word.starts_with(is_of_word)) {
            Some(name) => {
                self.next += 1;
                Ok(name)
            }
            None => Err(self.unexpected(what)),
        }
    }

    fn declaration(&mut self) -> Result<TypeDef, StateError> {
        let shape = match self.peek() {
            Some("struct") => Shape::Struct,
            Some("enum") => Shape::Enum,
            _ => return Err(self.unexpected("`struct` or `enum`")),
        };
        self.next += 1;
        let name = self.name("a type's name")?.to_owned();
        let variants = match shape {
            Shape::Struct => {
                let (style, fields) = self.fields()?;
                // As Rust ends them; `Display` doesn't.
                self.take(";");
                vec![Variant { name: name.clone(), style, fields }]
            }
            Shape::Enum => {
                self.expect("{")?;
                self.list("}", |reader| {
                    let name = reader.name("a variant's name")?.to_owned();
                    let (style, fields) = reader.fields()?;
                    Ok(Variant { name, style, fields })
                })?
            }
        };
        Ok(TypeDef { name, shape, variants })
    }

    /// The fields of a struct or a variant.
    fn fields(&mut self) -> Result<(FieldStyle, Vec<Field>), StateError> {
        if self.take("{") {
            let named = self.list("}", |reader| {
                let name = reader.name("a field's name")?.to_owned();
                reader.expect(":")?;
                Ok(Field { name, ty: reader.ty()? })
            });
            return Ok((FieldStyle::Named, named?));
        }
        if self.take("(") {
            let types = self.list(")", Self::ty)?.into_iter().enumerate();
            let fields = types.map(|(place, ty)| Field { name: place.to_string(), ty }).collect();
            return Ok((FieldStyle::Tuple, fields));
        }
        Ok((FieldStyle::Unit, Vec::new()))
    }

    /// What `read` reads, with commas between, and the sign that ends it.
    fn list<T>(
        &mut self,
        end: &str,
        mut read: impl FnMut(&mut Self) -> Result<T, StateError>,
    ) -> Result<Vec<T>, StateError> {
        let mut list = Vec::new();
        while !self.take(end) {
            list.push(read(self)?);
            if !self.take(",") && self.peek() != Some(end) {
                return Err(self.unexpected(&format!("`,` or `{end}`")));
            }
        }
        Ok(list)
    }

    fn ty(&mut self) -> Result<TypeRef, StateError> {
        if self.depth == DEPTH_MAX {
            let reason = format!("types lie more than {DEPTH_MAX} deep");
            return Err(wrong(self.line(), reason, "name some of them"));
        }
        self.depth += 1;
        let ty = self.shallow();
        self.depth -= 1;
        ty
    }

    fn shallow(&mut self) -> Result<TypeRef, StateError> {
        if self.take("(") {
            let types = self.list(")", Self::ty)?;
            return Ok(if types.is_empty() { TypeRef::Unit } else { TypeRef::Tuple(types) });
        }
        if self.take("[") {
            let inner = self.ty()?;
            self.expect(";")?;
            let count = self.peek().and_then(|count| count.parse().ok());
            let count = count.ok_or_else(|| self.unexpected("the array's length"))?;
            self.next += 1;
            self.expect("]")?;
            return Ok(TypeRef::Array(Box::new(inner), count));
        }
        let line = self.line();
        let name = self.name("a type")?;
        if let Some(index) = self.names.get(name) {
            return Ok(TypeRef::Named(*index));
        }
        Ok(match name {
            "bool" => TypeRef::Bool,
            "char" => TypeRef::Char,
            "String" => TypeRef::String,
            "Option" => TypeRef::Option(self.inner()?),
            "Vec" => TypeRef::Sequence(self.inner()?),
            "Set" => TypeRef::Set(self.inner()?),
            "Map" => {
                self.expect("<")?;
                let key = Box::new(self.ty()?);
                self.expect(",")?;
                let value = Box::new(self.ty()?);
                self.expect(">")?;
                TypeRef::Map(key, value)
            }
            "opaque" => TypeRef::Opaque(self.name("the name of an opaque type")?.to_owned()),
            name => match Number::named(name) {
                Some(number) => TypeRef::Number(number),
                None => {
                    return Err(wrong(line, format!("`{name}` is no type"), "declare it in the same text"));
                }
            },
        })
    }

    fn inner(&mut self) -> Result<Box<TypeRef>, StateError> {
        self.expect("<")?;
        let inner = Box::new(self.ty()?);
        self.expect(">")?;
        Ok(inner)
    }
}

impl Number {
    /// The number whose [`Number::name`] this is.
    fn named(name: &str) -> Option<Self> {
        use Number::{F32, F64, I8, I16, I32, I64, I128, U8, U16, U32, U64, U128};
        [U8, U16, U32, U64, U128, I8, I16, I32, I64, I128, F32, F64]
            .into_iter()
            .find(|number| number.name() == name)
    }
}
