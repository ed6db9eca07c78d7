//! Takes a `text/event-stream` apart into its events, piece by piece as it arrives.
//!
//! Source: the WHATWG HTML standard, section 9.2. `id` and `retry` mean nothing to the hub, which
//! does not connect again. A last event without its empty line counts, where the stream ended
//! properly: agents that forget it are common.

/// One event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// `message` where the stream does not say.
    pub(super) name: String,
    /// Its data lines, with line feeds between them. Not empty, and perhaps not UTF-8.
    pub(super) data: Vec<u8>,
}

/// Holds what of the next event has arrived. Its memory is bounded by what it is fed.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    name: String,
    data: Vec<u8>,
    /// The last byte was a carriage return: a line feed now ends no further line.
    after_return: bool,
    /// The first line is over.
    begun: bool,
}

impl Parser {
    /// Takes the next piece, and adds the events that it completes.
    pub(super) fn feed(&mut self, mut piece: &[u8], events: &mut Vec<Event>) {
        while let Some((first, behind)) = piece.split_first() {
            if std::mem::take(&mut self.after_return) && *first == b'\n' {
                piece = behind;
                continue;
            }
            let ends = |byte: &u8| matches!(byte, b'\n' | b'\r');
            let Some(at) = piece.iter().position(ends) else {
                self.line.extend_from_slice(piece);
                return;
            };
            let (line, rest) = piece.split_at(at);
            self.line.extend_from_slice(line);
            self.after_return = rest.starts_with(b"\r");
            piece = rest.get(1..).unwrap_or_default();
            events.extend(self.end_line());
        }
    }

    /// What the stream ended with.
    pub(super) fn finish(mut self) -> Option<Event> {
        let last = if self.line.is_empty() {
            None
        } else {
            self.end_line()
        };
        last.or_else(|| self.dispatch())
    }

    fn end_line(&mut self) -> Option<Event> {
        let whole = std::mem::take(&mut self.line);
        let mut line = whole.as_slice();
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            return self.dispatch();
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            // A comment, `id`, `retry`, or something unknown.
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Event> {
        let mut name = std::mem::take(&mut self.name);
        let mut data = std::mem::take(&mut self.data);
        data.pop();
        if data.is_empty() {
            return None;
        }
        if name.is_empty() {
            "message".clone_into(&mut name);
        }
        Some(Event { name, data })
    }
}

#[cfg(test)]
mod tests;
