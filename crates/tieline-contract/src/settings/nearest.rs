//! The known name that someone most likely meant.

/// Names longer than this are compared with nothing: the comparison takes quadratic time.
const LENGTH_MAX: usize = 64;

/// The candidate nearest to `name`, if one is near enough to be what was meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LENGTH_MAX {
        return None;
    }
    let lowercase = name.to_ascii_lowercase().replace('-', "_");
    let distance = |candidate: &str| {
        let candidate = candidate.to_ascii_lowercase().replace('-', "_");
        strsim::osa_distance(&lowercase, &candidate)
    };
    let (found, distance) = candidates
        .into_iter()
        .map(|candidate| (candidate, distance(candidate)))
        .min_by_key(|(_, distance)| *distance)?;
    // One slip in a short name, one more for every three letters of a longer one.
    (distance <= name.len().max(3) / 3).then_some(found)
}

/// What to write in place of an unknown `name`: the nearest one, or all there are.
pub fn one_of(name: &str, candidates: &[&str]) -> String {
    let list = || {
        let quoted: Vec<String> = candidates.iter().map(|c| format!("`{c}`")).collect();
        quoted.join(", ")
    };
    match (nearest(name, candidates.iter().copied()), candidates) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, []) => "remove it: nothing can stand here".to_owned(),
        (None, [only]) => format!("write `{only}`"),
        (None, _) => format!("write one of {}", list()),
    }
}
