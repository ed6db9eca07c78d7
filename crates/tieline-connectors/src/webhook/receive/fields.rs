//! Named fields as an object: those that come again become lists.

use bytes::Bytes;
use serde_json::{Map, Value};
use tieline_contract::{Code, Problem};

use super::Content;

/// Most fields of a form or a query: each costs many times its bytes.
const MOST_FIELDS: usize = 1000;

/// The fields of a form or a query, in the order in which their names came first.
#[derive(Debug, Default)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads `a=1&b=2` (WHATWG URL, `application/x-www-form-urlencoded`).
    pub(super) fn parse(text: &[u8]) -> Result<Self, Problem> {
        let mut fields = Self::default();
        // The parser replaces what is not UTF-8, and a replaced character is a changed input.
        if percent_encoding::percent_decode(text)
            .decode_utf8()
            .is_err()
        {
            let detail = "The fields are not UTF-8 after percent-decoding.";
            return Err(Problem::new(Code::InvalidForm, detail));
        }
        for (at, (name, value)) in form_urlencoded::parse(text).enumerate() {
            if at == MOST_FIELDS {
                let detail = format!("At most {MOST_FIELDS} fields are read.");
                return Err(Problem::new(Code::TooManyParts, detail));
            }
            fields.add(name.into_owned(), value.into_owned());
        }
        Ok(fields)
    }

    pub(super) fn add(&mut self, name: String, value: String) {
        match self.0.get_mut(&name) {
            None => {
                self.0.insert(name, Value::String(value));
            }
            Some(Value::Array(list)) => list.push(Value::String(value)),
            Some(first) => *first = Value::Array(vec![first.take(), Value::String(value)]),
        }
    }

    pub(super) fn into_content(self) -> Content {
        Content::json(Bytes::from(Value::Object(self.0).to_string()))
    }
}
