//! The lists of cases as macros that make a test of each.

/// Makes a test of every case about stores. The argument is an expression that makes a future of
/// a [`crate::conformance::StoreHarness`].
#[macro_export]
macro_rules! store_conformance {
    ($harness:expr) => {
        $crate::conformance_tests!(
            store,
            $harness,
            [
                a_new_job_waits,
                what_cannot_be_kept_is_refused,
                a_key_finds_its_job,
                a_key_refuses_other_work,
                keys_of_others_are_others,
                a_key_is_free_after_a_failure,
                a_key_is_free_after_a_day,
                one_key_makes_one_job_however_many_submit,
                a_full_lane_refuses,
                a_claim_gives_a_lease,
                one_of_many_claims_wins,
                what_is_not_waiting_is_not_claimed,
                a_beat_keeps_the_lease_and_what_it_carries,
                an_expired_lease_is_worth_nothing,
                a_late_worker_is_fenced,
                a_diverged_training_stays_readable,
                success_is_final,
                failure_is_final,
                a_repeated_end_changes_nothing,
                a_repeated_end_does_not_disturb_the_successor,
                a_retry_waits_for_its_backoff,
                the_last_attempt_fails_with_its_reason,
                a_release_gives_the_attempt_back,
                a_waiting_job_is_cancelled_at_once,
                a_running_job_is_asked_to_stop,
                a_job_that_is_over_is_not_cancelled,
                a_job_to_be_cancelled_is_not_queued_again,
                a_lost_hint_is_published_again,
                an_expired_job_is_queued_again,
                an_expired_job_fails_after_its_last_attempt,
                concurrent_sweeps_publish_once,
                old_records_go_and_nothing_else,
                a_record_stays_while_its_key_finds_it,
                events_have_no_gaps_and_can_be_resumed,
                events_are_waited_for,
                no_events_come_after_the_end,
                the_last_events_are_kept,
                lists_are_paged_newest_first,
                lists_are_filtered,
                counts_follow_the_states,
                unknown_jobs_are_not_found,
                a_reopened_store_has_everything,
            ]
        );
    };
}

/// Makes a test of every case about queues. The argument is an expression that makes a future of
/// a [`crate::conformance::QueueHarness`].
#[macro_export]
macro_rules! queue_conformance {
    ($harness:expr) => {
        $crate::conformance_tests!(
            queue,
            $harness,
            [
                a_hint_arrives_whole_and_once,
                lanes_are_apart,
                a_consumer_waits_for_a_hint,
                a_dropped_wait_loses_nothing,
                what_is_not_settled_comes_again,
                what_is_requeued_comes_again,
                consumers_share,
                duplicates_do_no_harm,
                what_cannot_be_decoded_is_a_dead_letter,
            ]
        );
    };
}

/// Makes a test of every case about sources of work and the worker on them. The argument is an
/// expression that makes a future of a [`crate::conformance::WorkHarness`].
#[macro_export]
macro_rules! work_conformance {
    ($harness:expr) => {
        $crate::conformance_tests!(
            work,
            $harness,
            [
                work_is_found_begun_and_ended,
                no_work_is_no_failure,
                a_dropped_wait_for_work_loses_nothing,
                useless_hints_are_dropped,
                duplicate_hints_give_one_run,
                a_hint_that_never_came_is_made_up_for,
                a_reaper_publishes_at_its_start,
                a_job_is_found_when_the_queue_is_of_no_use,
                errors_become_retries_or_failures,
                a_panic_fails_its_job_only,
                a_cancellation_reaches_the_work,
                a_shutdown_gives_the_job_back,
                lost_work_is_told_and_kept_out,
                an_unreliable_source_loses_nothing,
                news_arrives_before_the_end,
            ]
        );
    };
}

/// Makes tests of cases; for the macros beside it.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    ($suite:ident, $harness:expr, [$($case:ident),* $(,)?]) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::conformance::$suite::$case($harness.await).await;
            }
        )*
    };
}
