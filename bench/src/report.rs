//! What is printed: Markdown tables, and numbers as people read them.

use std::fmt;
use std::time::Duration;

/// One table with its heading.
#[derive(Debug)]
pub(crate) struct Table {
    title: String,
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Table {
    /// A table whose first column is text and whose others are numbers.
    pub(crate) fn new(title: impl Into<String>, columns: &[&'static str]) -> Self {
        Self {
            title: title.into(),
            columns: columns.to_vec(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// A sentence below the table.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### {}\n", self.title)?;
        writeln!(f, "| {} |", self.columns.join(" | "))?;
        writeln!(f, "| ---{} |", " | ---:".repeat(self.columns.len() - 1))?;
        for row in &self.rows {
            writeln!(f, "| {} |", row.join(" | "))?;
        }
        for note in &self.notes {
            writeln!(f, "\n{note}")?;
        }
        Ok(())
    }
}

/// The middle one of several measurements; zero of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// A large number without decimals, in groups of three: `12 345`.
pub(crate) fn count(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// A small number with one decimal.
pub(crate) fn tenths(value: f64) -> String {
    format!("{value:.1}")
}

/// A ratio with two decimals.
pub(crate) fn hundredths(value: f64) -> String {
    format!("{value:.2}")
}

/// Milliseconds with two decimals.
pub(crate) fn millis(seconds: f64) -> String {
    format!("{:.2}", seconds * 1e3)
}

/// KiB as MB of a million bytes.
pub(crate) fn megabytes(kib: u64) -> String {
    tenths(crate::load::as_f64(kib) * 1024.0 / 1e6)
}

/// How much `y` grows for each unit of `x`, by least squares; zero where all `x` are the same.
pub(crate) fn slope(points: &[(f64, f64)]) -> f64 {
    let number = crate::load::as_f64(points.len() as u64);
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / number;
    let (x_mean, y_mean) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|(x, _)| (x - x_mean).powi(2)).sum();
    let common: f64 = points
        .iter()
        .map(|(x, y)| (x - x_mean) * (y - y_mean))
        .sum();
    if spread > 0.0 { common / spread } else { 0.0 }
}

/// Microseconds for each of `count`.
pub(crate) fn micros_each(time: Duration, count: u64) -> f64 {
    time.as_secs_f64() * 1e6 / crate::load::as_f64(count.max(1))
}

#[cfg(test)]
mod tests;
