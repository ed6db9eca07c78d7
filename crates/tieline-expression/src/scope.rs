//! What an expression sees of an event, converted once and evaluated against many expressions.

use std::{collections::HashMap, fmt};

use cel::{
    Context,
    common::{
        types::{
            CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
        },
        value::Val,
    },
};
use serde_json::{Number, Value};

use crate::{error::ExpressionError, expression::ENV};

/// The names that an expression can use.
pub(crate) const NAMES: [&str; 4] = ["connector", "event", "files", "input"];
/// Most levels of an event. The door lets fewer in; this only protects the stack.
const MOST_DEPTH: usize = 128;

/// The four things that an expression can name.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// What the event brought.
    pub input: &'a Value,
    /// Facts about the event.
    pub event: &'a Value,
    /// Facts about the connector.
    pub connector: &'a Value,
    /// The files of the event, a list.
    pub files: &'a Value,
}

/// What an expression sees of one event. Build it once per event; it can be shared and sent.
pub struct Scope {
    context: Context<'static, 'static>,
    size: Size,
}

/// How much an expression may have to look at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size {
    /// Values, of all kinds.
    pub(crate) nodes: usize,
    /// Bytes of all strings and keys.
    pub(crate) bytes: usize,
}

impl Scope {
    /// Converts the parts of one event. Integers that fit become CEL `int`, so that they go
    /// together with the numbers people write.
    pub fn new(names: Names<'_>) -> Result<Self, ExpressionError> {
        let mut context = Context::with_env(ENV.clone());
        let mut size = Size::default();
        let parts = [names.connector, names.event, names.files, names.input];
        for (name, part) in NAMES.into_iter().zip(parts) {
            context.add_variable_as_val(name, convert(part, 0, &mut size)?);
        }
        Ok(Self { context, size })
    }

    pub(crate) fn context(&self) -> &Context<'static, 'static> {
        &self.context
    }

    pub(crate) fn size(&self) -> Size {
        self.size
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

fn convert(value: &Value, depth: usize, size: &mut Size) -> Result<Box<dyn Val>, ExpressionError> {
    if depth > MOST_DEPTH {
        return Err(ExpressionError::TooDeep { most: MOST_DEPTH });
    }
    size.nodes += 1;
    Ok(match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(is) => Box::new(CelBool::from(*is)),
        Value::Number(number) => convert_number(number),
        Value::String(text) => {
            size.bytes += text.len();
            Box::new(CelString::from(text.clone()))
        }
        Value::Array(list) => {
            let list: Vec<_> = list
                .iter()
                .map(|item| convert(item, depth + 1, size))
                .collect::<Result<_, _>>()?;
            Box::new(CelList::from(list))
        }
        Value::Object(object) => {
            let mut map = HashMap::with_capacity(object.len());
            for (name, item) in object {
                size.bytes += name.len();
                let name = CelMapKey::from(name.clone());
                map.insert(name, convert(item, depth + 1, size)?);
            }
            Box::new(CelMap::from(map))
        }
    })
}

fn convert_number(number: &Number) -> Box<dyn Val> {
    if let Some(int) = number.as_i64() {
        Box::new(CelInt::from(int))
    } else if let Some(uint) = number.as_u64() {
        Box::new(CelUInt::from(uint))
    } else {
        Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN)))
    }
}
