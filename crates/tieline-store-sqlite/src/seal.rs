//! What goes into the store, sealed before the writer hears of it.
//!
//! The plain bodies go no further than this: what is handed to the writer has none.

use bytes::Bytes;
use tieline_model::{Attempt, EventFile, ProjectId, RunError};
use tieline_store::{
    Dedupe, DeliveryOutcome, NewDelivery, NewEvent, NewFile, NewRun, RunOutcome, SettleDelivery,
    SettleRun,
};
use tieline_vault::{DataKey, Place, Vault};

use crate::sealed::{
    ABOUT, ATTEMPT_ERROR, CONTENT, DELIVERY, DELIVERY_ERROR, EVENT, RESPONSE, RESULT, RUN_ERROR,
    SESSION, attempt_row,
};

/// An event without its bodies, and those sealed.
pub(crate) struct SealedNewEvent {
    pub(crate) new: NewEvent,
    pub(crate) payload: Vec<u8>,
    pub(crate) files: Vec<SealedNewFile>,
    pub(crate) runs: Vec<SealedNewRun>,
    pub(crate) dedupe: Option<KeyedDedupe>,
}

pub(crate) struct SealedNewFile {
    pub(crate) id: [u8; 16],
    pub(crate) about: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

pub(crate) struct SealedNewRun {
    pub(crate) new: NewRun,
    pub(crate) session: Option<Vec<u8>>,
    pub(crate) message: Option<Vec<u8>>,
    /// The digest of its line's key.
    pub(crate) line: Option<[u8; 32]>,
}

/// Digests of a key and of a body.
pub(crate) struct KeyedDedupe {
    pub(crate) key: [u8; 32],
    pub(crate) digest: [u8; 32],
}

/// How a run is settled, without what is sealed.
pub(crate) struct SealedSettle {
    pub(crate) settle: SettleRun,
    pub(crate) result: Option<Vec<u8>>,
    pub(crate) message: Option<Vec<u8>>,
    pub(crate) attempt: SealedNewAttempt,
    pub(crate) deliveries: Vec<SealedNewDelivery>,
}

#[derive(Default)]
pub(crate) struct SealedNewAttempt {
    pub(crate) message: Option<Vec<u8>>,
    pub(crate) response: Option<Vec<u8>>,
}

pub(crate) struct SealedNewDelivery {
    pub(crate) new: NewDelivery,
    pub(crate) payload: Vec<u8>,
    pub(crate) message: Option<Vec<u8>>,
}

pub(crate) struct SealedDeliverySettle {
    pub(crate) settle: SettleDelivery,
    pub(crate) message: Option<Vec<u8>>,
    pub(crate) attempt: SealedNewAttempt,
}

/// At most so many values.
pub(crate) fn values_of_event(new: &NewEvent) -> u64 {
    (1 + 2 * new.files.len() + 2 * new.runs.len()) as u64
}

pub(crate) fn values_of_settle(settle: &SettleRun) -> u64 {
    (4 + 2 * settle.deliveries.len()) as u64
}

/// Bytes of bodies.
pub(crate) fn bytes_of_event(new: &NewEvent) -> usize {
    let files = new.files.iter().map(|file| file.content.len());
    new.input.len() + new.meta.len() + files.sum::<usize>()
}

pub(crate) fn bytes_of_settle(settle: &SettleRun) -> usize {
    let output = match &settle.outcome {
        RunOutcome::Ended { output, .. } => output.as_ref().map_or(0, Bytes::len),
        _ => 0,
    };
    let bodies = settle.deliveries.iter().map(|new| new.body.len());
    output + bodies.sum::<usize>()
}

/// The two parts as one value, see `sealed::open::parted`.
fn payload(key: &DataKey, place: &Place<'_>, body: Option<&[u8]>, extra: Option<&[u8]>) -> Vec<u8> {
    let mark = u8::from(body.is_some()) | u8::from(extra.is_some()) << 1;
    let (body, extra) = (body.unwrap_or_default(), extra.unwrap_or_default());
    let length = (body.len() as u64).to_be_bytes();
    key.seal(place, &[&[mark], &length, body, extra])
}

fn message(key: &DataKey, place: &Place<'_>, error: Option<&RunError>) -> Option<Vec<u8>> {
    error.map(|error| key.seal(place, &[error.message.as_bytes()]))
}

pub(crate) fn event(vault: &Vault, key: &DataKey, mut new: NewEvent) -> SealedNewEvent {
    let (project, id) = (new.project, *new.id.as_bytes());
    let (input, meta) = (
        std::mem::take(&mut new.input),
        std::mem::take(&mut new.meta),
    );
    let place = EVENT.at(project, &id);
    let files = std::mem::take(&mut new.files).into_iter();
    let runs = std::mem::take(&mut new.runs).into_iter();
    SealedNewEvent {
        payload: payload(key, &place, Some(&input), Some(&meta)),
        files: files.map(|new| file(key, project, &new)).collect(),
        runs: runs.map(|new| run(vault, key, project, new)).collect(),
        dedupe: new.dedupe.as_ref().map(|dedupe| keyed(vault, &new, dedupe)),
        new,
    }
}

pub(crate) fn run(vault: &Vault, key: &DataKey, project: ProjectId, new: NewRun) -> SealedNewRun {
    let id = *new.id.as_bytes();
    let line = new.line.as_ref().map(|line| {
        let (project, agent) = (project.0.to_be_bytes(), new.agent.0.to_be_bytes());
        vault.digest(&[b"line", &project, &agent, line.key.as_bytes()])
    });
    let session = new.session.as_ref();
    SealedNewRun {
        session: session.map(|name| key.seal(&SESSION.at(project, &id), &[name.as_bytes()])),
        message: message(key, &RUN_ERROR.at(project, &id), new.held.as_ref()),
        line,
        new,
    }
}

fn file(key: &DataKey, project: ProjectId, new: &NewFile) -> SealedNewFile {
    let id = *new.file.id.as_bytes();
    let about = |file: &EventFile| serde_json::to_vec(file).expect("texts and numbers are JSON");
    SealedNewFile {
        about: key.seal(&ABOUT.at(project, &id), &[&about(&new.file)]),
        payload: payload(key, &CONTENT.at(project, &id), Some(&new.content), None),
        id,
    }
}

fn keyed(vault: &Vault, new: &NewEvent, dedupe: &Dedupe) -> KeyedDedupe {
    let connector = new.connector.0.to_be_bytes();
    let digest = |what: &[u8], of: &[u8]| vault.digest(&[what, &connector, of]);
    KeyedDedupe {
        key: digest(b"dedupe key", dedupe.key.as_bytes()),
        digest: digest(b"dedupe body", &dedupe.digest),
    }
}

pub(crate) fn settle(key: &DataKey, project: ProjectId, mut settle: SettleRun) -> SealedSettle {
    let id = *settle.run.as_bytes();
    let place = RUN_ERROR.at(project, &id);
    let (result, message) = match &mut settle.outcome {
        RunOutcome::Ended {
            output,
            usage,
            error,
            ..
        } => {
            let (output, usage) = (output.take(), usage.take());
            let place_of_result = RESULT.at(project, &id);
            let some = output.is_some() || usage.is_some();
            let result =
                some.then(|| payload(key, &place_of_result, output.as_deref(), usage.as_deref()));
            (result, message(key, &place, error.as_ref()))
        }
        RunOutcome::Again(next) => (None, message(key, &place, next.error.as_ref())),
        RunOutcome::Paused { error } => (None, message(key, &place, Some(error))),
    };
    let deliveries = std::mem::take(&mut settle.deliveries).into_iter();
    SealedSettle {
        result,
        message,
        attempt: attempt(key, (project, id), settle.attempt.as_mut()),
        deliveries: deliveries.map(|new| delivery(key, project, new)).collect(),
        settle,
    }
}

fn delivery(key: &DataKey, project: ProjectId, mut new: NewDelivery) -> SealedNewDelivery {
    let id = *new.id.as_bytes();
    let body = std::mem::take(&mut new.body);
    SealedNewDelivery {
        payload: payload(key, &DELIVERY.at(project, &id), Some(&body), None),
        message: message(key, &DELIVERY_ERROR.at(project, &id), new.failed.as_ref()),
        new,
    }
}

pub(crate) fn settle_delivery(
    key: &DataKey,
    project: ProjectId,
    mut settle: SettleDelivery,
) -> SealedDeliverySettle {
    let id = *settle.delivery.as_bytes();
    let error = match &settle.outcome {
        DeliveryOutcome::Ended { error, .. } => error.as_ref(),
        DeliveryOutcome::Again(next) => next.error.as_ref(),
    };
    SealedDeliverySettle {
        message: message(key, &DELIVERY_ERROR.at(project, &id), error),
        attempt: attempt(key, (project, id), settle.attempt.as_mut()),
        settle,
    }
}

fn attempt(
    key: &DataKey,
    (project, owner): (ProjectId, [u8; 16]),
    attempt: Option<&mut Attempt>,
) -> SealedNewAttempt {
    let Some(attempt) = attempt else {
        return SealedNewAttempt::default();
    };
    let row = attempt_row(owner, attempt.number, attempt.started_at.as_millis());
    let response = attempt.response.take();
    let place = RESPONSE.at(project, &row);
    SealedNewAttempt {
        message: message(
            key,
            &ATTEMPT_ERROR.at(project, &row),
            attempt.error.as_ref(),
        ),
        response: response.map(|text| key.seal(&place, &[text.as_bytes()])),
    }
}
