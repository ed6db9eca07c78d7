//! What the hub counts. Label values come from closed sets; no label carries an id or a payload.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::atomic::AtomicI64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// A label for a state or an outcome.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Status {
    pub status: &'static str,
}

/// A label for what work goes to: `agent` or `outlet`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Kind {
    pub kind: &'static str,
}

/// The hub's counters and gauges.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    pub events_accepted: Counter,
    pub events_duplicate: Counter,
    pub runs_queued: Counter,
    pub runs_ended: Family<Status, Counter>,
    pub run_attempts_failed: Counter,
    /// Cancelled because another run took their place.
    pub runs_displaced: Counter,
    /// Failed because they waited longer than their agent lets them.
    pub runs_expired: Counter,
    pub runs_running: Gauge<i64, AtomicI64>,
    pub sync_waiting: Gauge<i64, AtomicI64>,
    pub deliveries_created: Counter,
    pub deliveries_ended: Family<Status, Counter>,
    pub delivery_attempts: Counter,
    pub requests_refused: Family<Status, Counter>,
    /// Requests without valid credentials beyond those that are bad luck.
    pub failures_throttled: Counter,
    pub breakers_open: Family<Kind, Gauge<i64, AtomicI64>>,
    /// Events whose bodies were erased because their time was over.
    pub bodies_erased: Counter,
    /// Events that went whole because their time was over.
    pub events_erased: Counter,
}

impl Metrics {
    #[must_use]
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("tieline"),
            events_accepted: Counter::default(),
            events_duplicate: Counter::default(),
            runs_queued: Counter::default(),
            runs_ended: Family::default(),
            run_attempts_failed: Counter::default(),
            runs_displaced: Counter::default(),
            runs_expired: Counter::default(),
            runs_running: Gauge::default(),
            sync_waiting: Gauge::default(),
            deliveries_created: Counter::default(),
            deliveries_ended: Family::default(),
            delivery_attempts: Counter::default(),
            requests_refused: Family::default(),
            failures_throttled: Counter::default(),
            breakers_open: Family::default(),
            bodies_erased: Counter::default(),
            events_erased: Counter::default(),
        };
        metrics.register_work();
        metrics.register_care();
        metrics
    }

    fn register_work(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "events_accepted",
            "Events stored",
            self.events_accepted.clone(),
        );
        registry.register(
            "events_duplicate",
            "Events that came again with a known key",
            self.events_duplicate.clone(),
        );
        registry.register("runs_queued", "Runs created", self.runs_queued.clone());
        registry.register(
            "runs_ended",
            "Runs that ended, by status",
            self.runs_ended.clone(),
        );
        registry.register(
            "run_attempts_failed",
            "Attempts of runs that failed",
            self.run_attempts_failed.clone(),
        );
        registry.register("runs_running", "Runs in hand", self.runs_running.clone());
        registry.register(
            "sync_waiting",
            "Callers that wait",
            self.sync_waiting.clone(),
        );
        registry.register(
            "deliveries_created",
            "Deliveries created",
            self.deliveries_created.clone(),
        );
        registry.register(
            "deliveries_ended",
            "Deliveries that ended, by status",
            self.deliveries_ended.clone(),
        );
        registry.register(
            "delivery_attempts",
            "Attempts of deliveries",
            self.delivery_attempts.clone(),
        );
        registry.register(
            "requests_refused",
            "Requests to connectors that were refused, by problem code",
            self.requests_refused.clone(),
        );
    }

    fn register_care(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "failures_throttled",
            "Requests without valid credentials from networks that sent too many of them",
            self.failures_throttled.clone(),
        );
        registry.register(
            "runs_displaced",
            "Runs cancelled because another took their place",
            self.runs_displaced.clone(),
        );
        registry.register(
            "runs_expired",
            "Runs that failed because they waited longer than queue_ttl",
            self.runs_expired.clone(),
        );
        registry.register(
            "breakers_open",
            "Agents and outbound connectors that get no work because they are not well, by kind",
            self.breakers_open.clone(),
        );
        registry.register(
            "bodies_erased",
            "Events whose bodies were erased because their time was over",
            self.bodies_erased.clone(),
        );
        registry.register(
            "events_erased",
            "Events that were erased whole because their time was over",
            self.events_erased.clone(),
        );
    }

    /// In the Prometheus text format, version 0.0.4, which every scraper reads.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string does not fail");
        classic(&text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Turns `OpenMetrics` into the older format.
///
/// They differ in what a counter is called where it is described: there without the `_total` of its
/// samples, here with it. A reader of this format would find no type and no help for the samples.
fn classic(openmetrics: &str) -> String {
    let counters: HashSet<&str> = openmetrics.lines().filter_map(counter).collect();
    let mut text = String::with_capacity(openmetrics.len() + 16 * counters.len());
    for line in openmetrics.lines().filter(|line| *line != "# EOF") {
        let mut words = line.splitn(4, ' ');
        let head = (words.next(), words.next(), words.next(), words.next());
        let written = match head {
            (Some("#"), Some(keyword), Some(name), Some(rest)) if counters.contains(name) => {
                writeln!(text, "# {keyword} {name}_total {rest}")
            }
            _ => writeln!(text, "{line}"),
        };
        written.expect("writing to a string does not fail");
    }
    text
}

/// The counter that a line declares.
fn counter(line: &str) -> Option<&str> {
    line.strip_prefix("# TYPE ")?.strip_suffix(" counter")
}

#[cfg(test)]
mod tests;
