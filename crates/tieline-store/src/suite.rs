//! What every store must keep: one function per promise, named as the sentence it checks.
//!
//! A backend's tests call [`hold`] and [`hold_shared`] with a way to make a fresh store. Nothing
//! in here knows a backend, and no promise is checked for one backend alone.

mod accept;
mod access;
mod budget;
mod catalog;
mod claim;
mod clock;
mod debounce;
mod deliver;
mod displace;
mod given;
mod journal;
mod line;
mod retain;
mod ride;
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
    access::a_key_comes_back_as_it_was_put,
    access::a_key_of_the_same_name_is_replaced,
    access::a_removed_key_is_gone_and_no_other_is,
    access::the_last_use_of_a_key_never_goes_back,
    access::a_project_is_made_once,
    access::a_change_is_written_down_with_what_it_changes,
    access::what_is_written_down_comes_newest_first_in_pages,
    access::what_was_begun_is_named_by_what_became_of_it,
    access::another_project_reads_nothing_of_what_was_done_here,
    accept::what_was_accepted_is_there,
    accept::files_are_kept_with_their_event,
    accept::there_is_one_acceptance_per_event_in_order,
    accept::the_same_key_gives_the_same_ids,
    accept::the_same_key_with_another_body_conflicts,
    accept::a_duplicate_inside_one_batch_is_found,
    accept::the_same_key_of_another_connector_is_new,
    accept::a_key_stands_until_it_is_forgotten,
    accept::a_key_inside_one_batch_stands_whatever_the_clock_says,
    accept::what_follows_one_that_conflicts_is_not_stored_either,
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
    line::a_line_goes_one_at_a_time_in_the_order_of_its_commits,
    line::as_many_of_a_line_as_its_width_go_at_once,
    line::a_wider_run_overtakes_nobody_of_its_line,
    line::the_next_comes_forward_however_the_one_before_ends,
    line::a_run_that_goes_on_keeps_its_place,
    line::other_lines_do_not_wait,
    line::a_line_of_another_project_does_not_wait,
    line::sessions_take_turns,
    line::what_comes_forward_is_never_due_earlier_than_it_was,
    line::a_line_goes_in_order_whatever_the_priorities,
    line::a_replay_stands_at_the_end_of_its_line,
    line::a_held_run_stands_in_no_line,
    displace::coalescing_takes_the_place_of_what_was_never_begun,
    displace::replacing_takes_the_place_of_all,
    displace::a_run_whose_place_was_taken_stays_taken_whoever_comes_next,
    displace::a_run_whose_place_was_taken_in_hand_is_never_claimed_again,
    displace::a_lost_lease_of_a_run_whose_place_was_taken_is_nobodys,
    displace::a_run_that_completes_after_its_place_was_taken_keeps_its_outcome,
    displace::a_run_in_hand_counts_until_it_ends_although_its_place_was_taken,
    displace::the_newest_takes_the_turn_of_those_whose_place_it_takes,
    displace::runs_of_another_connector_keep_their_place,
    displace::what_stood_behind_goes_before_the_newest,
    displace::runs_of_one_event_leave_each_other_alone,
    displace::displaced_runs_are_found_until_they_have_ended,
    displace::a_busy_line_refuses_and_stores_nothing,
    displace::a_line_refuses_until_its_last_run_has_ended,
    displace::a_duplicate_is_no_reason_to_refuse,
    displace::who_comes_forward_does_not_reckon_with_who_has_just_come,
    debounce::a_run_waits_until_it_is_quiet,
    debounce::the_newest_waits_in_the_place_of_the_others,
    debounce::nobody_waits_longer_than_the_longest_wait,
    debounce::as_many_as_are_waited_for_at_the_most_go_at_once,
    debounce::what_was_quiet_long_enough_is_left_alone,
    debounce::another_connector_waits_for_itself,
    debounce::a_run_that_waits_for_quiet_behind_another_stays_due_when_it_was,
    debounce::coalescing_takes_the_place_of_what_was_quiet_too,
    budget::the_highest_priority_goes_first,
    budget::a_crash_counts_as_an_attempt_and_as_a_crash,
    budget::a_lease_that_ran_out_counts_as_a_crash,
    budget::a_freed_lease_counts_as_a_crash_unless_an_answer_was_waited_for,
    budget::a_paused_run_waits_for_a_person,
    budget::a_paused_run_that_is_released_counts_from_zero,
    budget::a_run_that_was_never_begun_is_ended_as_that,
    budget::a_run_that_was_begun_is_not_ended_as_one_that_never_was,
    budget::stale_runs_were_queued_before_and_never_begun,
    clock::an_extended_lease_ends_later,
    clock::only_the_last_claim_of_a_running_run_is_extended,
    clock::waits_that_began_in_the_future_begin_now,
    clock::what_was_queued_in_the_future_is_due_now,
    clock::what_began_to_wait_before_is_due_when_it_was,
    clock::what_waits_in_the_future_behind_others_waits_from_now_on,
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
    deliver::a_released_delivery_burns_no_attempt,
    deliver::a_failed_delivery_is_driven_again_from_zero,
    deliver::a_delivery_without_a_body_is_failed_from_the_start,
    deliver::a_waiting_delivery_is_driven_at_once,
    deliver::a_delivery_in_hand_or_delivered_is_not_driven_again,
    ride::a_run_is_claimed_in_the_commit_that_stores_it,
    ride::every_claim_that_rides_is_answered_in_order,
    ride::a_claim_that_rides_takes_what_goes_first,
    ride::a_claim_that_rides_takes_nothing_from_behind,
    ride::an_accept_that_fails_claims_nothing,
    ride::an_accept_that_stores_nothing_claims_what_is_due,
    ride::a_delivery_is_claimed_in_the_commit_that_ends_its_run,
    ride::a_settle_that_is_fenced_claims_what_is_due,
    ride::a_settle_that_fails_claims_nothing,
    journal::pages_walk_the_whole_list_once,
    journal::events_are_narrowed_by_their_connector,
    journal::runs_are_narrowed_by_every_filter,
    journal::deliveries_are_narrowed_by_every_filter,
    journal::lists_are_narrowed_to_a_range_of_time,
    journal::runs_are_narrowed_by_connector_and_dead_letter,
    journal::runs_come_in_the_order_asked_for,
    journal::another_project_sees_nothing,
    journal::another_project_moves_nothing,
    journal::open_work_counts_what_has_not_ended,
    retain::bodies_go_first_and_rows_later,
    retain::what_goes_whole_is_not_erased_before,
    retain::an_event_without_runs_ends_when_it_comes,
    retain::the_oldest_events_go_first,
    retain::an_event_stays_while_a_run_has_not_ended,
    retain::an_event_stays_while_a_delivery_has_not_ended,
    retain::an_event_that_is_driven_again_stays_until_it_ends_again,
    retain::an_event_from_the_future_hides_no_other_from_retention,
    retain::a_clock_that_was_set_back_hides_no_event_from_retention,
    retain::a_key_whose_event_went_is_as_if_it_were_not_there,
    retain::every_project_is_retained,
    retain::an_erased_event_keeps_its_rows,
    retain::an_event_that_has_not_ended_is_not_erased,
    retain::an_event_of_another_project_is_not_erased,
    retain::an_erased_delivery_is_not_driven_again,
    retain::a_replay_of_an_erased_event_comes_without_its_input,
    retain::a_run_that_had_no_output_has_lost_none,
    journal::a_probe_passes_until_the_store_is_closed,
];

/// Every promise of two handles on one store.
const SHARED: &[Promise<(Given, Given)>] = promises![
    shared::both_handles_see_what_either_wrote,
    shared::a_run_goes_to_one_handle_only,
    shared::a_write_of_a_handle_that_lost_its_lease_is_refused,
    shared::a_handle_past_its_lease_is_refused_everywhere,
    shared::a_line_is_one_line_for_both_handles,
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
