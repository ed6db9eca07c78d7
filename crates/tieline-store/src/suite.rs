//! What every store must keep: one function per promise, named as the sentence it checks.
//!
//! A backend's tests call [`hold`] and [`hold_shared`] with a way to make a fresh store. Nothing
//! in here knows a backend, and no promise is checked for one backend alone.

mod accept;
mod catalog;
mod claim;
mod deliver;
mod given;
mod journal;
mod settle;
mod shared;

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt as _;

use self::given::Given;
use crate::Store;

type Checking = Pin<Box<dyn Future<Output = ()>>>;

/// A promise, and the check that panics where it is broken.
struct Promise<On> {
    name: &'static str,
    check: fn(On) -> Checking,
}

macro_rules! promises {
    ($($group:ident::$name:ident,)*) => {
        &[$(Promise { name: stringify!($name), check: |on| Box::pin($group::$name(on)) }),*]
    };
}

/// Every promise of one handle; one that is not listed here is dead code.
const PROMISES: &[Promise<Given>] = promises![
    catalog::the_first_project_is_there,
    catalog::an_agent_comes_back_as_it_was_put,
    catalog::a_connector_comes_back_as_it_was_put,
    catalog::a_put_of_a_known_name_keeps_its_id,
    catalog::removed_agents_keep_their_id_and_a_new_one_gets_another,
    catalog::removed_connectors_keep_their_id_and_a_new_one_gets_another,
    catalog::another_project_changes_nothing_here,
    catalog::a_setting_is_put_once,
    catalog::a_key_of_the_same_name_is_replaced,
    accept::what_was_accepted_is_there,
    accept::files_are_kept_with_their_event,
    accept::there_is_one_acceptance_per_event_in_order,
    accept::the_same_key_gives_the_same_ids,
    accept::the_same_key_with_another_body_conflicts,
    accept::a_duplicate_inside_one_batch_is_found,
    accept::the_same_key_of_another_connector_is_new,
    accept::an_expired_key_is_as_if_it_were_not_there,
    accept::an_expired_key_inside_one_batch_is_as_if_it_were_not_there,
    accept::forgetting_takes_only_expired_keys,
    accept::a_batch_with_one_known_id_stores_nothing,
    accept::a_filtered_event_says_so_and_has_no_runs,
    accept::a_held_run_waits_for_a_person,
    accept::a_run_is_released_once_and_only_where_it_is_held,
    accept::replayed_runs_come_after_the_first_ones,
    accept::a_replay_does_not_change_what_a_duplicate_gets,
    accept::a_replay_of_an_unknown_event_is_not_found,
    claim::a_claimed_run_brings_its_event,
    claim::a_claimed_run_is_not_claimed_again,
    claim::claims_come_oldest_due_first_and_at_most_the_limit,
    claim::queued_work_is_due_whatever_the_clock_says,
    claim::a_claim_takes_only_its_own_agents_runs,
    claim::a_claim_says_when_the_next_row_is_due,
    claim::a_lease_that_ran_out_is_claimed_again_and_its_holder_is_refused,
    claim::leases_of_other_nodes_are_freed_with_their_attempt_counted,
    claim::a_released_run_burns_no_attempt,
    claim::an_answer_that_never_came_is_claimed_without_counting_an_attempt,
    claim::a_freed_claim_of_an_answer_waits_for_it_again,
    claim::a_run_that_waits_for_an_answer_is_left_alone_by_a_release,
    settle::an_ended_run_shows_its_outcome,
    settle::an_old_epoch_changes_nothing,
    settle::an_ended_run_is_never_changed,
    settle::a_cancel_without_an_epoch_holds_whoever_has_the_lease,
    settle::a_retry_waits_until_it_is_due,
    settle::an_outage_burns_no_attempt,
    settle::a_run_that_waits_for_an_answer_is_settled_by_its_epoch,
    settle::deliveries_are_created_in_the_commit_that_ends_the_run,
    settle::a_run_that_goes_on_creates_no_delivery,
    settle::a_fenced_settle_creates_nothing,
    settle::attempts_are_kept_oldest_first,
    settle::a_state_that_is_no_end_is_refused,
    deliver::a_delivery_is_claimed_retried_and_delivered,
    deliver::an_old_epoch_changes_no_delivery,
    deliver::an_unreachable_destination_burns_no_attempt,
    deliver::a_failed_delivery_is_driven_again_from_zero,
    deliver::a_delivery_without_a_body_is_failed_from_the_start,
    deliver::a_waiting_delivery_is_driven_at_once,
    deliver::a_delivery_in_hand_or_delivered_is_not_driven_again,
    journal::pages_walk_the_whole_list_once,
    journal::events_are_narrowed_by_their_connector,
    journal::runs_are_narrowed_by_every_filter,
    journal::deliveries_are_narrowed_by_every_filter,
    journal::runs_come_in_the_order_asked_for,
    journal::another_project_sees_nothing,
    journal::another_project_moves_nothing,
    journal::open_work_counts_what_has_not_ended,
    journal::a_probe_passes_until_the_store_is_closed,
];

/// Every promise of two handles on one store.
const SHARED: &[Promise<(Given, Given)>] = promises![
    shared::both_handles_see_what_either_wrote,
    shared::a_run_goes_to_one_handle_only,
    shared::a_write_of_a_handle_that_lost_its_lease_is_refused,
    shared::the_same_key_at_both_handles_is_one_event,
];

/// Checks every promise, each on a fresh store.
///
/// # Panics
/// Where a promise is broken, after all were checked, naming them.
pub async fn hold<Make, Making>(make: Make)
where
    Make: Fn() -> Making,
    Making: Future<Output = Arc<dyn Store>>,
{
    let make = async || Given::new(make().await);
    check_all(PROMISES, make).await;
}

/// Checks every promise of two handles, each on a fresh store.
///
/// # Panics
/// Where a promise is broken, after all were checked, naming them.
pub async fn hold_shared<Make, Making>(make: Make)
where
    Make: Fn() -> Making,
    Making: Future<Output = (Arc<dyn Store>, Arc<dyn Store>)>,
{
    let make = async || {
        let (first, second) = make().await;
        let first = Given::new(first);
        let second = first.beside(second);
        (first, second)
    };
    check_all(SHARED, make).await;
}

async fn check_all<On>(promises: &[Promise<On>], make: impl AsyncFn() -> On) {
    let mut broken = Vec::new();
    for promise in promises {
        let check = (promise.check)(make().await);
        if AssertUnwindSafe(check).catch_unwind().await.is_err() {
            broken.push(promise.name);
        }
    }
    assert!(broken.is_empty(), "broken promises: {broken:?}");
}
