//! How the bytes of most targets are read: lines, an empty line, a body. Seeds stay readable so.

/// A message: what stands in its head, and its body.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    lines: Vec<&'a str>,
    pub(crate) body: &'a [u8],
}

impl<'a> Message<'a> {
    /// `None` where there is no empty line, or where the head is not text.
    pub(crate) fn read(data: &'a [u8]) -> Option<Self> {
        let end = data.windows(2).position(|pair| pair == b"\n\n")?;
        let (head, rest) = data.split_at(end);
        let head = str::from_utf8(head).ok()?;
        Some(Self {
            lines: head.split('\n').collect(),
            body: rest.get(2..).unwrap_or_default(),
        })
    }

    /// The nth line; empty where there is none.
    pub(crate) fn line(&self, n: usize) -> &'a str {
        self.lines.get(n).copied().unwrap_or_default()
    }

    /// The lines from the nth on that read as `name: value`.
    pub(crate) fn headers(&self, n: usize) -> impl Iterator<Item = (&'a str, &'a str)> {
        let lines = self.lines.get(n..).unwrap_or_default();
        lines.iter().filter_map(|line| line.split_once(": "))
    }
}
