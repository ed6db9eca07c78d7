//! A draft: what arrived, with its ids and the runs that follow from it. Nothing is stored yet.

use std::sync::Arc;

use tieline_contract::IncomingEvent;
use tieline_contract::endpoint::IncomingFile;
use tieline_model::EventFile;
use tieline_store::{Dedupe, NewEvent, NewFile, NewRun};
use tokio::time::Instant;

use super::Arrival;
use super::judge::{Judged, Seen, Verdict};
use super::line::{self, Widths};
use crate::catalog::{LiveConnector, LiveLink};
use crate::limits::DEDUPE_WINDOW;
use crate::{EngineError, Hub};

impl Hub {
    pub(super) async fn draft(
        &self,
        connector: &Arc<LiveConnector>,
        arrival: Arrival,
        events: Vec<IncomingEvent>,
    ) -> Result<Vec<NewEvent>, EngineError> {
        if connector.row.paused {
            return Err(EngineError::Paused);
        }
        if self.stopping.is_cancelled() {
            return Err(EngineError::Stopping);
        }
        if let Some(intake) = &connector.intake {
            let taken = intake.take(events.len(), Instant::now());
            taken.map_err(EngineError::RateLimited)?;
        }
        let mut drafts = Vec::with_capacity(events.len());
        for event in events {
            let mut draft = self.draft_one(connector, arrival, event).await?;
            let follows = !drafts.is_empty();
            draft
                .dedupe
                .iter_mut()
                .for_each(|one| one.follows = follows);
            drafts.push(draft);
        }
        Ok(drafts)
    }

    async fn draft_one(
        &self,
        connector: &Arc<LiveConnector>,
        arrival: Arrival,
        event: IncomingEvent,
    ) -> Result<NewEvent, EngineError> {
        let id = self.ids.event();
        let IncomingEvent {
            input,
            meta,
            files,
            dedupe,
            signed_key,
            digest,
        } = event;
        let files: Vec<_> = files
            .into_iter()
            .map(|file| self.draft_file(file))
            .collect();
        let queued_at = self.steady();
        let mut draft = NewEvent {
            id,
            project: connector.row.project,
            connector: connector.row.id,
            received_at: arrival.received_at,
            queued_at,
            trust: arrival.trust,
            input,
            meta,
            files,
            dedupe: None,
            filtered: false,
            runs: Vec::new(),
        };
        let Judged {
            verdicts,
            dedupe: computed,
        } = self.judge(connector, Seen::of_draft(&draft)).await?;
        draft.dedupe = dedupe.or(computed).or(signed_key).map(|key| Dedupe {
            key,
            digest,
            expires_at: queued_at.plus(DEDUPE_WINDOW),
            follows: false,
        });
        let judged = connector.links.iter().zip(verdicts);
        draft.runs = judged
            .filter_map(|(link, verdict)| self.draft_run(connector, link, verdict))
            .collect();
        draft.filtered = draft.runs.is_empty();
        Ok(draft)
    }

    fn draft_run(
        &self,
        connector: &LiveConnector,
        link: &LiveLink,
        verdict: Verdict,
    ) -> Option<NewRun> {
        let (session, held) = match verdict {
            Verdict::Run(session) => (session, None),
            Verdict::Hold(error) => (None, Some(error)),
            Verdict::Skip => return None,
        };
        let key = match &held {
            None => line::key(link, session.as_deref(), connector.row.id),
            Some(_) => None,
        };
        Some(NewRun {
            id: self.ids.run(),
            agent: link.agent,
            line: key.map(|key| line::of_link(link, key, self.widths(link.agent))),
            session,
            held,
            priority: link.priority,
        })
    }

    pub(super) fn widths(&self, agent: tieline_model::AgentId) -> Widths {
        let catalog = self.catalog.load();
        Widths::of(catalog.agents.get(&agent).map(|agent| &agent.row))
    }

    fn draft_file(&self, file: IncomingFile) -> NewFile {
        let IncomingFile {
            field,
            name,
            content_type,
            content,
        } = file;
        let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
        let sha256 = hex::encode(tieline_vault::sha256(&content));
        let file = EventFile {
            id: self.ids.file(),
            field,
            name,
            content_type,
            size,
            sha256,
        };
        NewFile { file, content }
    }
}
