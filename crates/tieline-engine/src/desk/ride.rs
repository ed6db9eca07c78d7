//! A ride: what is stored for a desk that is idle is claimed in the same commit.
//!
//! It takes its place before it is known whether there is anything to claim, and gives it back
//! where there was not. Where a desk has anything in hand or before it, nothing rides: what comes
//! gathers, and is claimed together.

use std::sync::Arc;

use tieline_model::quantity::Rate;
use tieline_store::{Claim, Claims, Lease};
use tokio::time::Instant;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{Desk, Place, Terms};
use crate::Hub;

/// A place for one row, until it is known whether there is one.
#[derive(Debug)]
pub(crate) struct Ride {
    /// `None` once it is used.
    place: Option<Place>,
    /// As which a token was taken for it.
    rate: Option<Rate>,
    /// A hub that stops waits for what is claimed to be begun, or for the place to be given back.
    _counted: TaskTrackerToken,
}

/// The rides along with one commit, each with who is to carry out what it brings.
pub(crate) struct Rides<Who>(Vec<(Ride, Arc<Who>)>);

/// What a ride brought.
pub(crate) struct Ridden<Who, Row> {
    ride: Ride,
    pub who: Arc<Who>,
    pub row: Row,
}

impl Desk {
    /// A ride, where the desk is idle and would claim at once.
    fn ride(self: &Arc<Self>, hub: &Hub, terms: Terms) -> Option<Ride> {
        // Counted first: a hub that stops says so, and then waits for what is counted.
        let counted = hub.tasks.token();
        if terms.places == 0 || terms.removed || hub.stopping.is_cancelled() {
            return None;
        }
        let mut gate = self.gate.lock();
        if gate.busy > 0 || !gate.clear || gate.breaker.is_trying() {
            return None;
        }
        let now = Instant::now();
        let pace = gate.paced(terms.rate, now);
        if pace.is_some_and(|pace| pace.allows(now) == 0) {
            return None;
        }
        Some(Ride {
            place: Some(self.take_through(&mut gate)),
            rate: terms.rate,
            _counted: counted,
        })
    }

    /// Nothing began for a token that was taken.
    fn give_back(&self, rate: Rate) {
        let mut gate = self.gate.lock();
        let pace = gate.pace.as_mut().filter(|pace| pace.rate() == rate);
        if let Some(pace) = pace {
            pace.give_back();
        }
    }
}

impl Drop for Ride {
    fn drop(&mut self) {
        if let Some((place, rate)) = self.place.as_ref().zip(self.rate) {
            place.desk.give_back(rate);
        }
    }
}

impl<Who> Rides<Who> {
    pub(crate) const NONE: Self = Self(Vec::new());

    /// Asks a desk for one, on these terms.
    pub(crate) fn ask(&mut self, hub: &Hub, (who, desk): (&Arc<Who>, &Arc<Desk>), terms: Terms) {
        let ride = desk.ride(hub, terms);
        self.0.extend(ride.map(|ride| (ride, Arc::clone(who))));
    }

    /// The claims to be made in the commit.
    pub(crate) fn claims<Of>(&self, of: impl Fn(&Who) -> Of, lease: Lease) -> Vec<Claim<Of>> {
        let claim = |(_, who): &(Ride, Arc<Who>)| Claim {
            of: of(who),
            limit: 1,
            lease,
        };
        self.0.iter().map(claim).collect()
    }

    /// What those claims brought. The other places are free again.
    pub(crate) fn bring<Row>(self, claims: Vec<Claims<Row>>) -> Vec<Ridden<Who, Row>> {
        let rides = self.0.into_iter().zip(claims);
        let brought = rides.filter_map(|((ride, who), claims)| {
            let row = claims.rows.into_iter().next()?;
            Some(Ridden { ride, who, row })
        });
        brought.collect()
    }
}

impl<Who, Row> Ridden<Who, Row> {
    /// Begins to carry it out, in its place.
    pub(crate) fn begin(mut self, begin: impl FnOnce(Arc<Who>, Row, Place)) {
        let place = self.ride.place.take().expect("it is used once");
        begin(self.who, self.row, place);
    }
}
