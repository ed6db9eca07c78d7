//! How each row is opened, and what it is where something of it does not open.

use bytes::Bytes;
use tieline_model::{Attempt, Delivery, Event, EventFile, FileId, Kept, ProjectId, Run, RunError};
use tieline_store::{ClaimedDelivery, ClaimedRun, Epoch, StoredFile};
use tieline_vault::{Place, Vault};

use super::{
    ABOUT, ATTEMPT_ERROR, CONTENT, DELIVERY, DELIVERY_ERROR, EVENT, RESPONSE, RESULT, RUN_ERROR,
    SESSION, Sealed, Stored, attempt_row,
};

/// What a run says whose output or session is not what was written.
const DAMAGED: &str = "what is stored of the run does not open: the disk has changed it";

/// What stands in the place of a text that does not open.
const UNREADABLE: &str = "(what is stored here does not open: the disk has changed it)";

/// A body as it was opened: without its bytes, unless it is whole.
#[derive(Debug, Default)]
struct Payload {
    body: Option<Bytes>,
    extra: Option<Bytes>,
    kept: Kept,
}

impl Stored {
    fn open(self, vault: &Vault, place: &Place<'_>) -> Payload {
        let without = |kept| Payload {
            kept,
            ..Payload::default()
        };
        let (number, sealed) = match self {
            Self::Nothing => return Payload::default(),
            Self::Erased => return without(Kept::Erased),
            Self::Sealed { number, sealed } => (number, sealed),
        };
        let opened = sealed.and_then(|sealed| vault.open(place, sealed));
        opened.as_ref().and_then(parted).unwrap_or_else(|| {
            tracing::error!(payload = number, "the stored body `{number}` is damaged");
            without(Kept::Damaged)
        })
    }

    /// Whether the payload is what was written for this place. One that was erased is.
    pub(crate) fn opens(self, vault: &Vault, place: &Place<'_>) -> bool {
        match self {
            Self::Nothing | Self::Erased => true,
            Self::Sealed { sealed, .. } => {
                let opened = sealed.and_then(|sealed| vault.open(place, sealed));
                opened.as_ref().and_then(parted).is_some()
            }
        }
    }
}

/// The two parts that were sealed as one: which of them there are, how long the first is, and both.
fn parted(text: &Bytes) -> Option<Payload> {
    let (mark, rest) = text.split_first()?;
    let (length, parts) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
    let first = text.len() - parts.len();
    let second = first.checked_add(length).filter(|at| *at <= text.len())?;
    Some(Payload {
        body: (mark & 1 != 0).then(|| text.slice(first..second)),
        extra: (mark & 2 != 0).then(|| text.slice(second..)),
        kept: Kept::Whole,
    })
}

/// A code, and its message where there is one.
#[derive(Debug)]
pub(crate) struct SealedError {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<Vec<u8>>,
}

impl SealedError {
    fn open(self, vault: &Vault, place: &Place<'_>) -> Option<RunError> {
        let message = self.message.map(|sealed| text(vault, place, sealed));
        Some(RunError::new(self.code?, message.unwrap_or_default()))
    }
}

/// A text, or what is said in its place.
fn text(vault: &Vault, place: &Place<'_>, sealed: Vec<u8>) -> String {
    opened_text(vault, place, sealed).unwrap_or_else(|| UNREADABLE.to_owned())
}

fn opened_text(vault: &Vault, place: &Place<'_>, sealed: Vec<u8>) -> Option<String> {
    let opened = vault.open(place, sealed)?;
    String::from_utf8(opened.to_vec()).ok()
}

/// Without its session, error, output and usage.
#[derive(Debug)]
pub(crate) struct SealedRun {
    pub(crate) run: Run,
    pub(crate) session: Option<Vec<u8>>,
    pub(crate) error: SealedError,
    pub(crate) result: Stored,
}

impl Sealed for SealedRun {
    type Open = Run;

    fn open(self, vault: &Vault) -> Run {
        let mut run = self.run;
        let row = *run.id.as_bytes();
        let at = |column: super::Column| column.at(run.project, &row);
        let result = self.result.open(vault, &at(RESULT));
        let error = self.error.open(vault, &at(RUN_ERROR));
        let session = self.session;
        let session = session.map(|sealed| opened_text(vault, &at(SESSION), sealed));
        let lost = session == Some(None);
        run.session = session.flatten();
        run.output = result.body;
        run.usage = result.extra;
        run.kept = if lost { Kept::Damaged } else { result.kept };
        let damaged = (run.kept == Kept::Damaged).then(|| RunError::new("damaged", DAMAGED));
        run.error = damaged.or(error);
        run
    }

    fn bytes(&self) -> usize {
        self.result.bytes()
    }
}

/// Without its error and body.
#[derive(Debug)]
pub(crate) struct SealedDelivery {
    pub(crate) delivery: Delivery,
    pub(crate) error: SealedError,
    pub(crate) payload: Stored,
}

impl Sealed for SealedDelivery {
    type Open = Delivery;

    fn open(self, vault: &Vault) -> Delivery {
        let mut delivery = self.delivery;
        let (project, row) = (delivery.project, *delivery.id.as_bytes());
        let payload = self.payload.open(vault, &DELIVERY.at(project, &row));
        delivery.error = self.error.open(vault, &DELIVERY_ERROR.at(project, &row));
        delivery.body = payload.body.unwrap_or_default();
        delivery.kept = payload.kept;
        delivery
    }

    fn bytes(&self) -> usize {
        self.payload.bytes()
    }
}

/// Without its input, meta and files.
#[derive(Debug)]
pub(crate) struct SealedEvent {
    pub(crate) event: Event,
    pub(crate) payload: Stored,
    pub(crate) files: Vec<(FileId, Vec<u8>)>,
}

impl Sealed for SealedEvent {
    type Open = Event;

    fn open(self, vault: &Vault) -> Event {
        let mut event = self.event;
        let row = *event.id.as_bytes();
        let payload = self.payload.open(vault, &EVENT.at(event.project, &row));
        event.input = payload.body.unwrap_or_default();
        event.meta = payload.extra.unwrap_or_default();
        event.kept = payload.kept;
        for (id, about) in self.files {
            match about_file(vault, event.project, id, about) {
                Some(file) => event.files.push(file),
                None => spoil(&mut event),
            }
        }
        event
    }

    fn bytes(&self) -> usize {
        self.payload.bytes()
    }
}

/// No agent shall see an event that is not whole.
fn spoil(event: &mut Event) {
    event.input = Bytes::new();
    event.meta = Bytes::new();
    event.kept = Kept::Damaged;
}

fn about_file(vault: &Vault, project: ProjectId, id: FileId, sealed: Vec<u8>) -> Option<EventFile> {
    let opened = vault.open(&ABOUT.at(project, id.as_bytes()), sealed)?;
    serde_json::from_slice(&opened).ok()
}

/// Without its description and content.
#[derive(Debug)]
pub(crate) struct SealedFile {
    pub(crate) file: StoredFile,
    pub(crate) about: Vec<u8>,
    pub(crate) payload: Stored,
}

impl Sealed for SealedFile {
    type Open = StoredFile;

    fn open(self, vault: &Vault) -> StoredFile {
        let mut stored = self.file;
        let id = stored.file.id;
        let place = CONTENT.at(stored.project, id.as_bytes());
        let payload = self.payload.open(vault, &place);
        stored.kept = payload.kept;
        stored.content = payload.body.unwrap_or_default();
        if let Some(about) = about_file(vault, stored.project, id, self.about) {
            stored.file = about;
        } else {
            stored.kept = Kept::Damaged;
            stored.content = Bytes::new();
        }
        stored
    }

    fn bytes(&self) -> usize {
        self.payload.bytes()
    }
}

/// Without its error and response.
#[derive(Debug)]
pub(crate) struct SealedAttempt {
    pub(crate) project: ProjectId,
    pub(crate) owner: [u8; 16],
    pub(crate) attempt: Attempt,
    pub(crate) error: SealedError,
    pub(crate) response: Option<Vec<u8>>,
}

impl Sealed for SealedAttempt {
    type Open = Attempt;

    fn open(self, vault: &Vault) -> Attempt {
        let mut attempt = self.attempt;
        let row = attempt_row(self.owner, attempt.number, attempt.started_at.as_millis());
        let place = ATTEMPT_ERROR.at(self.project, &row);
        attempt.error = self.error.open(vault, &place);
        let place = RESPONSE.at(self.project, &row);
        let response = self.response;
        attempt.response = response.map(|sealed| text(vault, &place, sealed));
        attempt
    }

    fn bytes(&self) -> usize {
        self.response.as_ref().map_or(0, Vec::len)
    }
}

/// A run that was claimed, with its event.
#[derive(Debug)]
pub(crate) struct SealedClaim {
    pub(crate) run: SealedRun,
    pub(crate) event: SealedEvent,
    pub(crate) epoch: Epoch,
}

impl Sealed for SealedClaim {
    type Open = ClaimedRun;

    fn open(self, vault: &Vault) -> ClaimedRun {
        let (run, mut event) = (self.run.open(vault), self.event.open(vault));
        // In another session than its own it would say to one what is another's.
        if run.kept == Kept::Damaged {
            spoil(&mut event);
        }
        ClaimedRun {
            event,
            epoch: self.epoch,
            run,
        }
    }

    fn bytes(&self) -> usize {
        self.run.bytes() + self.event.bytes()
    }
}

impl Sealed for (SealedDelivery, Epoch) {
    type Open = ClaimedDelivery;

    fn open(self, vault: &Vault) -> ClaimedDelivery {
        let (delivery, epoch) = self;
        ClaimedDelivery {
            epoch,
            delivery: delivery.open(vault),
        }
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }
}
