//! Markdown, as much of it as the checks need: prose without code, headings and their anchors.

/// The lines of `text` with code taken out, so that line numbers stay right.
///
/// Fenced blocks become empty lines; code spans within a line become spaces.
pub(super) fn prose(text: &str) -> Vec<String> {
    let mut fence: Option<&str> = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        let start = line.trim_start();
        let marker = ["```", "~~~"]
            .into_iter()
            .find(|marker| start.starts_with(marker));
        match (fence, marker) {
            (None, Some(opening)) => fence = Some(opening),
            (Some(opening), Some(closing)) if opening == closing => fence = None,
            (None, None) => {
                lines.push(without_spans(line));
                continue;
            }
            _ => {}
        }
        lines.push(String::new());
    }
    lines
}

/// The anchors of the headings of `text`, made as GitHub makes them.
pub(super) fn anchors(text: &str) -> Vec<String> {
    // Headings keep their code spans: the words in them count.
    let without_fences = prose(text);
    let mut anchors: Vec<String> = Vec::new();
    for (kept, line) in without_fences.iter().zip(text.lines()) {
        let heading = line.trim_start_matches('#');
        if !kept.starts_with('#') || !heading.starts_with(' ') {
            continue;
        }
        let anchor = anchor(heading.trim());
        let repeated = anchors
            .iter()
            .filter(|known| is_numbered(known, &anchor))
            .count();
        anchors.push(if repeated == 0 {
            anchor
        } else {
            format!("{anchor}-{repeated}")
        });
    }
    anchors
}

fn is_numbered(known: &str, anchor: &str) -> bool {
    known.strip_prefix(anchor).is_some_and(|rest| {
        rest.is_empty()
            || rest
                .strip_prefix('-')
                .is_some_and(|n| n.parse::<u32>().is_ok())
    })
}

fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|&c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c })
        .flat_map(char::to_lowercase)
        .collect()
}

fn without_spans(line: &str) -> String {
    // Every second piece between backticks is code, unless its closing backtick is missing.
    let pieces = line.split('`').collect::<Vec<_>>();
    let last = pieces.len() - 1;
    let kept = pieces.iter().enumerate().map(|(index, piece)| {
        if index % 2 == 1 && index < last {
            " ".repeat(piece.len())
        } else {
            (*piece).to_owned()
        }
    });
    kept.collect::<Vec<_>>().join(" ")
}
