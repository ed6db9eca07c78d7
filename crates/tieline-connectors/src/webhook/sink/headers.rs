//! The headers that a person may add to deliveries, and those that are not theirs to set.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use tieline_contract::Problems;
use tieline_model::Secret;

use crate::webhook::settings::SendSettings;

/// Most headers that a person may add.
const MOST: usize = 50;

/// What the framing of a message, its signature or another setting decides.
const RESERVED: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::EXPECT,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The headers of every delivery, without those of its signature.
pub(super) fn build(settings: &SendSettings, problems: &mut Problems) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let agent = concat!("Tieline/", env!("CARGO_PKG_VERSION"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
    match HeaderValue::from_str(&settings.content_type) {
        Ok(value) if settings.content_type.contains('/') => {
            headers.insert(header::CONTENT_TYPE, value);
        }
        _ => {
            let fix = "write it as `application/json`";
            problems.add_with_fix("content_type", "is not a content type", fix);
        }
    }
    if settings.headers.len() > MOST {
        problems.add("headers", format!("are more than {MOST}"));
    }
    let mut own = HeaderMap::new();
    for (name, value) in &settings.headers {
        let path = format!("headers.{name}");
        if let Some((name, value)) = read(&path, name, value, problems)
            && own.insert(name, value).is_some()
        {
            problems.add(
                &path,
                "is there twice: the case of a header's name does not matter",
            );
        }
    }
    headers.extend(own);
    headers
}

fn read(
    path: &str,
    name: &str,
    value: &Secret,
    problems: &mut Problems,
) -> Option<(HeaderName, HeaderValue)> {
    let Ok(name) = name.parse::<HeaderName>() else {
        problems.add(path, "is not the name of a header");
        return None;
    };
    if name == header::CONTENT_TYPE {
        problems.add_with_fix(path, "has a setting of its own", "write `content_type`");
        return None;
    }
    let proxy = name.as_str().starts_with("proxy-") || name == "keep-alive";
    if RESERVED.contains(&name) || proxy || name.as_str().starts_with("webhook-") {
        problems.add_with_fix(path, "is set by the hub itself", "remove it");
        return None;
    }
    let Ok(mut value) = HeaderValue::from_str(value.expose()) else {
        problems.add(path, "has a value that a header cannot carry");
        return None;
    };
    value.set_sensitive(true);
    Some((name, value))
}
