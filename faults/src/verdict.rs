//! What comes of holding a law, or what a round demands beside the laws, against what was seen.

/// Whether a law holds, and what was counted for it.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) law: String,
    pub(crate) about: &'static str,
    pub(crate) counts: Vec<(&'static str, u64)>,
    pub(crate) broken: u64,
    /// The first few of what is wrong.
    pub(crate) findings: Vec<String>,
}

impl Verdict {
    pub(crate) fn new(law: &str, about: &'static str) -> Self {
        Self {
            law: law.to_owned(),
            about,
            counts: Vec::new(),
            broken: 0,
            findings: Vec::new(),
        }
    }

    pub(crate) const fn holds(&self) -> bool {
        self.broken == 0
    }

    pub(crate) fn count(&mut self, name: &'static str, count: u64) {
        self.counts.push((name, count));
    }

    /// Demands something; `what` says what is wrong where it is not so.
    pub(crate) fn demand(&mut self, so: bool, what: impl FnOnce() -> String) {
        const SHOWN: usize = 5;
        if !so {
            self.broken += 1;
            if self.findings.len() < SHOWN {
                self.findings.push(what());
            }
        }
    }
}
