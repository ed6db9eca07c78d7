//! A destination that takes, refuses, is away for a while, or says that it is gone.

use std::sync::Arc;

use bytes::Bytes;
use tieline_contract::{
    Fault, Outgoing, Problems, Receipt, RunResult, Sink, SinkContext, Verdict, Wanted,
};
use tieline_model::DeliveryId;

use super::{Actor, Draw, Outside};
use crate::sim::ledger::DeliveryAttempt;

pub(super) struct Destination {
    outside: Arc<Outside>,
    actor: usize,
    wanted: Wanted,
}

impl Sink for Destination {
    type Settings = Actor;

    fn open(settings: Actor, _context: &SinkContext) -> Result<Self, Problems> {
        let outside = Outside::here();
        let plan = &outside.plan.outlets[settings.actor];
        let wanted = Wanted {
            on: plan.on.clone(),
            from: plan.from.clone(),
        };
        Ok(Self {
            outside,
            actor: settings.actor,
            wanted,
        })
    }

    fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    fn body(&self, result: &RunResult) -> Result<Bytes, Fault> {
        let output = result.output.clone().unwrap_or_default();
        let output = String::from_utf8_lossy(&output);
        let (run, status) = (result.run_id, result.status.as_str());
        Ok(format!("{run} {status} {output}").into())
    }

    async fn deliver(&self, outgoing: &Outgoing) -> Result<Receipt, Fault> {
        let answer = self.answer(outgoing).await;
        self.note(outgoing.id, |attempt| attempt.answered = true);
        answer
    }
}

impl Destination {
    async fn answer(&self, outgoing: &Outgoing) -> Result<Receipt, Fault> {
        let (attempts, taken) = self.arrived(outgoing);
        let of = [self.actor as u64, half(outgoing.id), attempts];
        let mut chance = self.outside.chance(Draw::Destination, &of);
        let calm = self.outside.is_calm();
        let slow = if calm { 5 } else { 2_000 };
        let time = chance.weighted(&[(2, 2), (1, slow)]);
        tokio::time::sleep(chance.millis(1..time)).await;
        let fault = |verdict| Err(Fault::new(verdict, "simulated", "as the seed said"));
        let wait = chance.millis(1..60_000);
        let act = chance.weighted(&[(80, 0), (8, 1), (5, 2), (3, 3), (2, 4), (2, 5)]);
        let down = self.outside.is_down(Draw::DestinationDown, self.actor, 15);
        if calm || taken || (act == 0 && !down) {
            self.take(outgoing.id);
            // The answer is on its way, and may never come.
            tokio::time::sleep(chance.millis(1..time)).await;
            return Ok(Receipt::default());
        }
        match act {
            0 | 1 => fault(Verdict::Later),
            2 => fault(Verdict::After(wait)),
            3 => fault(Verdict::Never),
            4 => fault(Verdict::Crashed),
            _ => fault(Verdict::Gone),
        }
    }

    /// How often it came before, and whether it was taken: what was taken once is taken again.
    fn arrived(&self, outgoing: &Outgoing) -> (u64, bool) {
        let at = self.outside.passed();
        let mut ledger = self.outside.ledger();
        ledger.step();
        let (hub, outlet, id) = (ledger.hub, self.actor, outgoing.id);
        ledger.say(at, format_args!("destination {outlet} sees {id}"));
        let attempts = ledger.attempts.entry(id).or_default();
        let before = (
            attempts.len() as u64,
            attempts.iter().any(|attempt| attempt.taken),
        );
        attempts.push(DeliveryAttempt {
            outlet,
            body: outgoing.body.clone(),
            attempt: outgoing.attempt,
            hub,
            taken: false,
            answered: false,
        });
        before
    }

    fn take(&self, id: DeliveryId) {
        let at = self.outside.passed();
        let text = format_args!("destination {} takes {id}", self.actor);
        self.outside.ledger().say(at, text);
        self.note(id, |attempt| attempt.taken = true);
    }

    /// Writes to the last attempt of a delivery.
    fn note(&self, id: DeliveryId, write: impl FnOnce(&mut DeliveryAttempt)) {
        let mut ledger = self.outside.ledger();
        ledger.step();
        let attempts = ledger.attempts.get_mut(&id);
        let last = attempts.and_then(|attempts| attempts.last_mut());
        write(last.expect("it arrived before"));
    }
}

/// The half of an id that is drawn.
fn half(id: DeliveryId) -> u64 {
    let (_, half) = id.as_bytes().split_at(8);
    u64::from_be_bytes(half.try_into().expect("eight bytes"))
}
