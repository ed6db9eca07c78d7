//! How many events a connector takes in a length of time. What is above it is refused before it is
//! looked at or stored.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tieline_model::ConnectorId;
use tieline_model::quantity::Rate;
use tokio::time::Instant;

use crate::pace::Pace;

/// The room that one connector has for events.
#[derive(Debug)]
pub(crate) struct Intake(Mutex<Room>);

#[derive(Debug)]
struct Room {
    pace: Pace,
    /// Events of a batch that was larger than the bucket: what comes next waits for them.
    owed: u32,
}

impl Intake {
    fn new(rate: Rate, now: Instant) -> Self {
        let pace = Pace::new(rate, now);
        Self(Mutex::new(Room { pace, owed: 0 }))
    }

    /// Takes `events` at once, or says how long to wait. A batch that is larger than all that may
    /// come at once is taken where nothing else was.
    pub(super) fn take(&self, events: usize, now: Instant) -> Result<(), Duration> {
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        let room = &mut *self.0.lock();
        let paid = room.owed.min(room.pace.allows(now));
        room.pace.spend(paid);
        room.owed -= paid;
        let needed = events.min(room.pace.rate().count);
        if room.owed > 0 || room.pace.allows(now) < needed {
            let wanted = room.owed.saturating_add(needed);
            return Err(room.pace.wait_for(wanted, now));
        }
        room.pace.spend(needed);
        room.owed = events - needed;
        Ok(())
    }
}

/// The intakes of all connectors that have a rate. They outlive a change of the catalogue, which
/// must not be a way to send more.
#[derive(Debug, Default)]
pub(crate) struct Intakes(Mutex<HashMap<ConnectorId, (Rate, Arc<Intake>)>>);

impl Intakes {
    /// The intake of a connector: the one that it has, unless its rate is another now.
    pub(crate) fn of(&self, id: ConnectorId, rate: Option<Rate>) -> Option<Arc<Intake>> {
        let mut intakes = self.0.lock();
        let Some(rate) = rate else {
            intakes.remove(&id);
            return None;
        };
        let known = intakes.get(&id).filter(|(known, _)| *known == rate);
        if let Some((_, intake)) = known {
            return Some(Arc::clone(intake));
        }
        let intake = Arc::new(Intake::new(rate, Instant::now()));
        intakes.insert(id, (rate, Arc::clone(&intake)));
        Some(intake)
    }
}

#[cfg(test)]
mod tests;
