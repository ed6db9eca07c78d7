//! What a round says of itself, for people and as a line of a Markdown table.

use std::fmt;
use std::time::Duration;

use crate::verdict::Verdict;

/// The report of one round.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    round: &'static str,
    about: &'static str,
    seed: u64,
    took: Duration,
    figures: Vec<(&'static str, String)>,
    faults: Vec<(&'static str, u64)>,
    verdicts: Vec<Verdict>,
    /// Something that the round needs is not here.
    skipped: Option<String>,
    /// The round could not be carried out.
    broke: Option<String>,
}

impl Report {
    pub(crate) const fn new(round: &'static str, about: &'static str, seed: u64) -> Self {
        Self {
            round,
            about,
            seed,
            took: Duration::ZERO,
            figures: Vec::new(),
            faults: Vec::new(),
            verdicts: Vec::new(),
            skipped: None,
            broke: None,
        }
    }

    /// A fault was injected, and it is known to have happened so often. Never makes the round void.
    pub(crate) fn fired(&mut self, fault: &'static str, times: u64) {
        self.faults.push((fault, times));
    }

    /// Something that the round needs is not here: it has shown nothing, and says so.
    pub(crate) fn skip(&mut self, why: impl fmt::Display) {
        self.skipped = Some(why.to_string());
    }

    pub(crate) const fn is_skipped(&self) -> bool {
        self.skipped.is_some()
    }

    pub(crate) fn figure(&mut self, name: &'static str, value: impl fmt::Display) {
        self.figures.push((name, value.to_string()));
    }

    /// The median and the longest of some times.
    pub(crate) fn spread(&mut self, name: &'static str, times: &mut [Duration]) {
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        let longest = times.last().copied().unwrap_or_default();
        let (median, longest) = (median.as_millis(), longest.as_millis());
        self.figure(
            name,
            format!("{median} ms (median), {longest} ms (longest)"),
        );
    }

    pub(crate) fn judged(&mut self, verdicts: Vec<Verdict>) {
        self.verdicts.extend(verdicts);
    }

    /// Ends the report: a fault that never fired makes the round void (L8).
    pub(crate) fn end(&mut self, took: Duration, broke: Option<String>) {
        let mut fired = Verdict::new("L8", "every fault really fired");
        for (fault, times) in &self.faults {
            fired.count(fault, *times);
            fired.demand(*times > 0, || format!("`{fault}` never happened"));
        }
        if !self.faults.is_empty() {
            self.verdicts.push(fired);
        }
        (self.took, self.broke) = (took, broke);
    }

    pub(crate) fn holds(&self) -> bool {
        self.broke.is_none() && self.verdicts.iter().all(Verdict::holds)
    }

    /// One line of the summary, under [`TABLE`].
    pub(crate) fn line(&self) -> String {
        let Self {
            round, about, took, ..
        } = self;
        let faults = self.faults.iter();
        let faults: Vec<_> = faults
            .map(|(name, times)| format!("{times} × {name}"))
            .collect();
        let counted = self.verdicts.iter().find(|verdict| verdict.law == "L1");
        let counts = counted.map_or(&[][..], |verdict| &verdict.counts);
        let counts: Vec<_> = counts
            .iter()
            .map(|(name, n)| format!("{n} {name}"))
            .collect();
        let broken = self.verdicts.iter().filter(|verdict| !verdict.holds());
        let broken: Vec<_> = broken.map(|verdict| verdict.law.as_str()).collect();
        let verdict = match (&self.broke, broken.as_slice()) {
            (Some(_), _) => "not carried out".to_owned(),
            (None, _) if self.is_skipped() => "**skipped**".to_owned(),
            (None, []) => "holds".to_owned(),
            (None, broken) => format!("**breaks {}**", broken.join(", ")),
        };
        let (faults, counts) = (faults.join(", "), counts.join(", "));
        let seconds = took.as_secs();
        format!("| {round} | {about} | {faults} | {counts} | {seconds} s | {verdict} |")
    }
}

/// The head of the summary.
pub(crate) const TABLE: &str = "\
| round | what | injected | counted | took | verdict |
| --- | --- | --- | --- | --- | --- |";

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { round, about, .. } = self;
        writeln!(f, "{round}: {about} (seed {})", self.seed)?;
        for (name, value) in &self.figures {
            writeln!(f, "  {name}: {value}")?;
        }
        for verdict in &self.verdicts {
            let word = if verdict.holds() { "holds" } else { "BROKEN" };
            write!(f, "  {:<4} {word:<6} {}", verdict.law, verdict.about)?;
            let counts = verdict.counts.iter();
            let counts: Vec<_> = counts.map(|(name, n)| format!("{n} {name}")).collect();
            if counts.is_empty() {
                writeln!(f)?;
            } else {
                writeln!(f, ": {}", counts.join(", "))?;
            }
            for finding in &verdict.findings {
                writeln!(f, "         {finding}")?;
            }
            let shown = verdict.findings.len() as u64;
            if verdict.broken > shown {
                writeln!(f, "         and {} more", verdict.broken - shown)?;
            }
        }
        if let Some(skipped) = &self.skipped {
            writeln!(f, "  SKIPPED: {skipped}")?;
        }
        if let Some(broke) = &self.broke {
            writeln!(f, "  not carried out: {broke}")?;
        }
        writeln!(f, "  took {:.1} s", self.took.as_secs_f64())
    }
}

#[cfg(test)]
mod tests;
