//! The content type of a body: what decides how it is read.

use http::{HeaderMap, header};
use tieline_contract::{Code, Problem};

/// Most bytes of a content type that is kept.
const MOST_BYTES: usize = 255;

/// A media type as it was sent, and its essence (`type/subtype`) in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MediaType {
    essence: String,
    whole: String,
}

impl MediaType {
    /// What a body without a content type is (RFC 9110, section 8.3).
    pub(super) fn unknown() -> Self {
        Self {
            essence: "application/octet-stream".to_owned(),
            whole: "application/octet-stream".to_owned(),
        }
    }

    /// Of a request. Two of them are refused: two readers could take different ones.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut values = headers.get_all(header::CONTENT_TYPE).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            let detail = "The request has more than one `content-type`.";
            return Err(Problem::new(Code::BadRequest, detail));
        }
        let parsed = value.to_str().ok().and_then(Self::parse);
        parsed.map(Some).ok_or_else(|| {
            let detail = "The `content-type` is not a media type such as `application/json`.";
            Problem::new(Code::UnsupportedMediaType, detail)
        })
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let essence = text.split(';').next()?.trim().to_ascii_lowercase();
        let token = |part: &str| {
            let ok = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
            !part.is_empty() && part.bytes().all(ok)
        };
        let (kind, subtype) = essence.split_once('/')?;
        let sound = token(kind) && token(subtype);
        let printable = text
            .bytes()
            .all(|b| b == b'\t' || (b' '..=b'~').contains(&b));
        (sound && printable && text.len() <= MOST_BYTES).then(|| Self {
            essence,
            whole: text.trim().to_owned(),
        })
    }

    pub(super) fn essence(&self) -> &str {
        &self.essence
    }

    /// As it was sent, with its parameters.
    pub(super) fn as_str(&self) -> &str {
        &self.whole
    }

    pub(super) fn is_json(&self) -> bool {
        self.essence == "application/json" || self.essence.ends_with("+json")
    }

    pub(super) fn is_text(&self) -> bool {
        self.essence.starts_with("text/")
    }

    /// Whether text of this type is UTF-8, which ASCII is as well.
    pub(super) fn is_utf8(&self) -> bool {
        let charset = self.whole.split(';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("charset").then_some(value)
        });
        charset.is_none_or(|name| {
            let utf8 = ["utf-8", "utf8", "us-ascii"];
            utf8.iter().any(|one| name.eq_ignore_ascii_case(one))
        })
    }

    /// Whether a pattern such as `application/pdf` or `image/*` covers it.
    pub(super) fn fits(&self, pattern: &str) -> bool {
        match pattern.strip_suffix('*') {
            Some(kind) => self.essence.starts_with(kind),
            None => self.essence == pattern,
        }
    }
}
