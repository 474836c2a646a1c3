//! What users and neighbours may rely on, clause by clause: objects in, objects out, in virtual time.
//!
//! # What has gone wrong before
//!
//! Each row is something that has gone wrong in a system like this one, by the id that the tests' names bear. That no
//! credentials come into logs, and that an image can be built for real, is not shown here.
//!
//! | id | what must hold | shown by |
//! |---|---|---|
//! | L01 | one pool's slow requests delay no other | `tests/it/contract/trouble.rs`: `l01_one_pools_slow_requests_delay_no_other` |
//! | L02 | a change that met an error is built | `tests/it/contract/trouble.rs`: `l02_a_config_change_that_meets_errors_is_built_all_the_same` |
//! | L03 | a change under a degradation is built once that clears | `tests/it/contract/supersede.rs`: `l03_a_pool_degraded_by_others_is_built_once_it_heals` |
//! | L04 | a change while nobody watched is built | `tests/it/contract/supersede.rs`: `l04_config_change_while_the_daemon_was_down_is_built`, `l04_config_change_during_a_build_while_the_daemon_was_down_supersedes_it` |
//! | L05 | a change during a build supersedes it | `tests/it/contract/supersede.rs`: `l05_config_change_during_build_supersedes_it` |
//! | L06 | a build's end counts for its own inputs only | `tests/it/contract/supersede.rs`: `l06_nothing_of_the_old_build_is_credited_to_the_new` |
//! | L07 | a clean-up that failed is made good | `tests/it/contract/trouble.rs`: `l07_a_clean_up_that_fails_is_tried_again`; `tests/it/contract/leaving.rs`: `l07_an_opt_out_while_the_daemon_was_down_is_made_good` |
//! | L08 | late news of a build revive nothing | `tests/it/contract/leaving.rs`: `l08_late_news_of_a_build_revives_nothing_after_an_opt_out` |
//! | L09 | a deleted pool's build is removed, in silence | `tests/it/contract/leaving.rs`: `l09_a_deleted_pools_build_is_removed_without_a_complaint` |
//! | L10 | what a list does not name is gone | `tests/it/contract/trouble.rs`: `l10_a_pool_that_is_missing_from_a_list_is_gone`, `l10_l40_a_daemon_that_was_blind_finds_out_what_it_missed`; `tests/it/contract/leaving.rs`: `l10_a_pool_deleted_while_the_daemon_was_down_leaves_nothing` |
//! | L11 | one of the four conditions, however fast a build is | `tests/it/contract/ends.rs`: `l11_a_build_that_was_never_seen_to_run_ends_with_one_condition`; `src/reconcile/pool/conditions.rs`: `l11_exactly_one_of_the_four_is_true`; `tests/it/decide/properties.rs`: `whatever_happens_each_rest_is_a_lawful_one_and_the_end_is_an_image` |
//! | L12 | a failure blocks no later build | `tests/it/contract/ends.rs`: `l12_a_failed_build_is_followed_by_one_of_a_new_config`, `l12_a_failed_build_is_made_again_on_request` |
//! | L13 | a dead build container is a failure at once | `tests/it/contract/ends.rs`: `l13_l43_a_failed_build_says_at_once_what_failed_and_everything_stays`; `tests/it/contract/inputs.rs`: `l13_a_build_that_fails_while_inputs_are_unreadable_is_shown`; `src/reconcile/objects/pod/classify/tests.rs`: `l13_a_dead_build_container_is_a_failed_build_while_the_pod_still_runs`; `tests/it/scripts/push.rs`: `l13_nothing_is_pushed_when_the_build_fails`, `l13_the_helper_ends_when_the_push_is_killed_without_a_word` |
//! | L14 | what the cluster took away is tried again, counted, bounded | `tests/it/contract/ends.rs`: `l14_a_pod_deleted_under_the_build_is_lost_and_tried_again_later`, `l14_an_evicted_pod_is_lost_its_remains_removed_and_attempts_counted_across_restarts`; `src/reconcile/objects/pod/classify/tests.rs`: `l14_what_the_cluster_took_away_is_lost_not_failed` |
//! | L15 | a build that does not start has a deadline, and says why | `tests/it/contract/ends.rs`: `l15_a_pod_that_never_starts_is_lost_at_its_deadline_with_the_reason_shown_before`; `src/reconcile/objects/pod/classify/tests.rs`: `l15_what_keeps_a_pod_from_starting_is_told_with_the_setting_that_decides_it` |
//! | L16 | what belongs to others survives every write | `tests/it/main_job.rs`: `l16_what_no_type_models_survives_every_write_to_a_pool`; `src/reconcile/pool/conditions.rs`: `l16_other_conditions_and_unknown_fields_stay`; `src/reconcile/pool/patch.rs`: `l16_what_is_set_is_set_and_all_else_stays` |
//! | L17 | nothing to do means no requests | `tests/it/main_job.rs`: `l17_at_rest_no_request_is_sent`; `tests/it/contract/names.rs`: `l17_an_object_that_a_finalizer_holds_is_not_deleted_over_and_over` |
//! | L18 | a transition is told once, restarts included | `tests/it/contract/ends.rs`: `l18_a_failure_is_told_once_and_degraded_never_raised_again`; `tests/it/metrics/once.rs`: `l18_whenever_a_process_dies_its_successor_counts_what_was_not_told_and_nothing_else`, `l18_whenever_a_process_dies_without_an_answer_nothing_is_counted_twice`, `l18_what_is_shown_is_not_told_again_when_its_event_is_long_gone`, `l18_what_cannot_be_shown_is_counted_once_however_often_that_is_tried` |
//! | L19 | published, then cleaned up, then said | `tests/it/contract/clauses.rs`: `l19_the_image_is_published_then_all_is_deleted_then_success_is_shown` |
//! | L20 | deleting what is gone is success | `tests/it/contract/trouble.rs`: `l20_what_is_gone_already_is_deleted` |
//! | L21 | what was created before is adopted | `tests/it/contract/trouble.rs`: `l21_what_was_created_without_an_answer_is_adopted`; `tests/it/contract/names.rs`: `l21_objects_that_were_made_before_a_crash_are_adopted` |
//! | L22 | nothing is written over what was not read | `tests/it/contract/trouble.rs`: `l22_a_condition_set_while_a_patch_is_on_its_way_survives_it`; `src/reconcile/pool/patch.rs`: `l22_a_change_of_what_was_decided_from_makes_the_patch_fail` |
//! | L23 | half a state is completed | `tests/it/decide/properties.rs`: `l23_every_prefix_of_effects_followed_by_a_fresh_look_comes_to_the_same_end` |
//! | L24 | ours is adopted or replaced, foreign is left and told of | `tests/it/contract/names.rs`: `l24_a_foreign_pod_of_the_builds_name_is_never_touched_and_shown_until_it_is_gone`, `l24_a_foreign_config_map_of_the_payloads_name_is_never_touched`, `l24_a_stale_pod_with_our_labels_is_replaced`; `tests/it/contract/regressions.rs`: `l24_a_foreign_pod_is_shown_without_a_break_until_it_is_gone_restarts_included` |
//! | L25 | clean-up goes by label | `tests/it/contract/names.rs`: `l25_what_earlier_builds_left_is_removed_by_label`, `l24_an_object_with_our_labels_and_a_name_of_its_own_is_left_alone` |
//! | L26 | a digest goes with the repository that it was pushed to | `tests/it/contract/supersede.rs`: `l26_a_repository_edited_during_a_build_is_never_paired_with_the_old_digest` |
//! | L27 | users' objects are never written, their changes followed | `tests/it/contract/inputs.rs`: `l27_l29_legacy_secrets_are_followed_in_secrets_of_our_own_and_never_written` |
//! | L28 | a canonical Secret is known by label and owner | `tests/it/contract/inputs.rs`: `l28_a_users_secret_of_a_canonical_ones_name_is_never_written`; `src/reconcile/inputs/pull_secret/tests.rs`: `l28_a_name_alone_does_not_make_a_secret_canonical` |
//! | L29 | a pull secret is read by its content | `tests/it/contract/inputs.rs`: `l27_l29_legacy_secrets_are_followed_in_secrets_of_our_own_and_never_written`; `src/reconcile/inputs/pull_secret/tests.rs`: `l29_every_other_mix_of_type_and_body_becomes_a_modern_secret` |
//! | L30 | empty credentials are credentials | `src/reconcile/inputs/pull_secret/tests.rs`: `l30_an_empty_auths_is_not_wrapped_again` |
//! | L31 | an empty base image is bad input | `tests/it/contract/inputs.rs`: `l31_an_empty_base_image` |
//! | L32 | no value adds a line to the Containerfile | `tests/it/contract/inputs.rs`: `l32_a_line_break_in_a_release_version`; `tests/it/render/mod.rs`: `l32_a_line_break_in_a_value_never_reaches_the_containerfile`; `src/reconcile/objects/containerfile.rs`: `l32_a_value_stays_within_its_quotes` |
//! | L33 | a payload that cannot fit is told of, and no loop | `tests/it/contract/inputs.rs`: `l33_a_payload_that_cannot_fit_is_a_clear_terminal_condition_and_holds_no_slot`; `src/reconcile/objects/payload.rs`: `l33_what_does_not_fit_is_refused` |
//! | L34 | images are inputs | `tests/it/contract/supersede.rs`: `l34_a_new_base_image_is_built_though_the_config_is_the_same` |
//! | L35 | a damaged payload is not built | `tests/it/scripts/build.rs`: `l35_a_damaged_payload_is_not_built`; `src/reconcile/objects/payload.rs`: `l35_a_damaged_payload_is_not_decoded` |
//! | L36 | one acts, and two would do no harm | `tests/it/contract/fleet.rs`: `l36_two_daemons_at_once_make_one_build_and_tell_of_it_once`; `src/cluster/lease/fence.rs`: `nothing_leaves_before_or_after_ones_time`; `tests/it/replicas/deposed.rs`: `l36_no_request_of_a_deposed_process_arrives_past_its_renew_deadline`, `l36_a_pod_that_a_deposed_process_still_made_is_adopted_and_told_of_once`; `tests/it/run/leadership.rs`: `of_two_one_works_and_the_other_goes_on_when_it_is_told_to_stop` |
//! | L37 | a panic is one pool's, and passes | `tests/it/actors.rs`: `l37_a_panic_in_one_pools_actor_leaves_the_others_alone_and_the_pool_recovers`, `l37_a_panic_in_a_builds_actor_is_the_pools_to_recover_from`, `a_pool_in_meltdown_is_reported_and_retried_slowly_while_others_build` |
//! | L38 | two writers on one pool both get on | `tests/it/main_job.rs`: `l38_a_neighbour_who_writes_the_status_all_the_time_loses_nothing_and_stops_nothing` |
//! | L39 | many pools at once are built a few at a time, and a busy server is heeded | `tests/it/contract/fleet.rs`: `l39_pools_that_opt_in_all_at_once_are_built_a_few_at_a_time`; `src/cluster/transport.rs`: `l39_retry_after_is_honoured` |
//! | L40 | a blind watch makes the process unready, and is opened again | `tests/it/watches/silence.rs`: `l40_a_watch_that_goes_silent_is_told_opened_again_and_what_it_missed_is_acted_on`, `l40_a_watch_whose_version_expired_in_the_stream_lists_again_and_goes_on`; `tests/it/watches/refusals.rs`: `l40_a_server_that_fails_for_a_while_makes_the_daemon_unready_until_it_recovers`; `tests/it/watches/bodies.rs`: `l40_an_answer_that_hangs_keeps_no_actor_from_its_work`; `tests/it/contract/trouble.rs`: `l10_l40_a_daemon_that_was_blind_finds_out_what_it_missed` |
//! | L41 | success is a pushed image's digest | `tests/it/scripts/build.rs`: `l41_exit_codes_say_what_failed`; `tests/it/scripts/push.rs`: `l41_exit_codes_say_what_failed`; `src/reconcile/objects/pod/classify/tests.rs`: `l41_an_exit_without_a_digest_is_no_success_yet` |
//! | L42 | a push is tried again by itself | `tests/it/scripts/push.rs`: `l42_a_push_that_fails_is_tried_again` |
//! | L43 | a failure says why, without the pod | `tests/it/contract/ends.rs`: `l13_l43_a_failed_build_says_at_once_what_failed_and_everything_stays` |
//! | L44 | credentials are not shown | `tests/it/contract/ends.rs`: `l44_credentials_in_the_output_of_a_build_are_not_shown`; `src/reconcile/redact/tests.rs`: `l44_credentials_of_a_pull_secret_never_come_through`, `l44_no_body_gives_its_credentials_away_in_any_form`, `l44_no_credential_comes_through_whatever_surrounds_it`, `l44_addresses_are_shown_without_who_logs_in`, `l44_what_looks_like_a_credential_is_not_shown` |
//! | L45 | metrics can be scraped | `tests/it/run/admin.rs`: `l45_it_says_how_things_are`, `l45_whoever_stands_by_can_be_scraped_too`, `l45_the_deployment_listens_where_it_can_be_scraped` |
//! | L46 | what is known is never older than one's own writes | `src/reconcile/observed/cache.rs`: `l46_an_older_version_never_replaces_a_newer_one`, `l46_what_was_seen_to_go_does_not_come_back`; `tests/it/contract/trouble.rs`: `l46_nothing_is_decided_before_every_first_list` |
//! | L47 | only inputs make a build another one | `tests/it/contract/clauses.rs`: `l47_other_secrets_and_a_restart_rebuild_nothing`; `src/reconcile/inputs/build_inputs.rs`: `l47_the_hash_is_the_same_in_every_version_of_this_program` |
//! | L48 | unreadable input is no change | `tests/it/contract/inputs.rs`: `l48_unreadable_input_is_no_change` |
//! | L49 | a pod that does not end is made to | `tests/it/contract/ends.rs`: `l49_a_pod_stuck_in_its_deletion_is_deleted_by_force_after_a_minute` |
//! | L50 | a digest that a build did not leave is not believed | `tests/it/contract/handoff.rs`: `l50_a_digest_that_a_build_of_other_inputs_left_is_not_believed`; `tests/it/main_job.rs`: `l50_a_digest_that_was_there_before_the_build_is_removed_and_never_believed`; `tests/it/render/mod.rs`: `the_pod_is_what_it_was` |
//!
//! # The contract
//!
//! | clause | what users may rely on | shown by |
//! |---|---|---|
//! | 1 | only a pool with the label, whatever its value, and a config to build is acted on | `tests/it/main_job.rs`: `a_pool_that_is_not_opted_in_or_not_rendered_is_left_alone`; `tests/it/contract/leaving.rs`: `a_pool_that_opts_in_again_is_built_again` |
//! | 1 | a pool whose config's name becomes empty is left as it is | `tests/it/contract/clauses.rs`: `a_pool_that_is_not_rendered_any_more_is_left_as_it_is` |
//! | 1 | a pool without a status is built | `tests/it/main_job.rs`: `a_pool_is_built_from_its_label_to_its_digest` |
//! | 1 | the MachineConfig is carried whole | `tests/it/main_job.rs`: `while_a_build_runs_its_payload_is_the_machine_config_field_for_field`; `src/reconcile/objects/payload.rs`: `everything_survives_the_journey` |
//! | 1 | the two ConfigMaps' required keys, and the optional ones | `tests/it/contract/clauses.rs`: `each_required_key_that_is_missing_is_named`; `tests/it/contract/inputs.rs`: `an_extensions_image_is_a_stage`; `tests/it/contract/supersede.rs`: `secrets_rotated_and_notes_edited_cause_no_build` |
//! | 1 | a pool's own Containerfile text comes last, for that pool alone | `tests/it/contract/supersede.rs`: `a_custom_containerfile_is_appended_for_its_pool_alone`; `src/reconcile/objects/containerfile.rs`: `the_pools_own_text_comes_last_and_as_it_is` |
//! | 1 | legacy Secrets are followed in labelled, owned Secrets of the modern type | `tests/it/contract/inputs.rs`: `l27_l29_legacy_secrets_are_followed_in_secrets_of_our_own_and_never_written`; `src/reconcile/inputs/pull_secret/tests.rs`: `l29_every_other_mix_of_type_and_body_becomes_a_modern_secret`, `a_modern_secret_is_mounted_as_it_is` |
//! | 1 | users' objects are never written | `tests/it/decide/properties.rs`: `whatever_happens_each_rest_is_a_lawful_one_and_the_end_is_an_image`; `tests/it/contract/inputs.rs`: `l28_a_users_secret_of_a_canonical_ones_name_is_never_written` |
//! | 1 | names are checked before they are used | `tests/it/contract/inputs.rs`: `a_config_that_is_not_rendered_or_has_no_possible_name`; `src/api/names.rs`: `names_are_checked_as_kubernetes_does` |
//! | 1 | the image builder is chosen by name, without a restart, from the next build on | `tests/it/contract/builders.rs`: `a_running_build_goes_on_with_its_own_builder_and_the_next_is_made_by_the_new_one`, `l14_the_next_attempt_at_a_lost_build_is_made_by_the_new_builder` |
//! | 2 | three labels, an empty annotation and the input hash on every object | `tests/it/main_job.rs`: `every_object_of_a_build_is_labelled_and_bears_the_hash_of_its_inputs` |
//! | 2 | payload: JSON, gzip, base64, under its key | `tests/it/main_job.rs`: `while_a_build_runs_its_payload_is_the_machine_config_field_for_field`; `tests/it/render/mod.rs`: `every_object_of_the_build_comes_out` |
//! | 2 | the build pod, field for field | `tests/it/render/mod.rs`: `the_pod_is_what_it_was` |
//! | 2 | the Build, field for field | `tests/it/contract/openshift.rs`: `a_build_is_made_of_both_config_maps_and_shown_in_each_of_its_phases`; `tests/it/render/mod.rs`: `the_build_is_what_it_was` |
//! | 2 | the helper's token is in its container alone; without a helper there is none | `tests/it/contract/handoff.rs`: `with_a_helper_its_token_is_in_its_container_alone`, `without_a_helper_the_pod_has_two_containers_and_no_token` |
//! | 2 | objects of both builders are told apart, and neither is in the way of the other for good | `tests/it/contract/builders.rs`: `l24_a_stale_object_of_either_kind_is_removed_whichever_builder_is_asked_for`, `l24_a_foreign_build_of_the_builds_name_is_never_touched_and_shown_until_it_is_gone`, `l24_a_foreign_pod_is_in_no_builds_way`, `l36_of_a_pod_and_a_build_of_the_same_inputs_one_is_followed_and_the_other_removed` |
//! | 2 | a digest that the build left is read by name, and deleted; that of others is not believed | `tests/it/main_job.rs`: `a_digest_that_the_build_left_without_a_termination_message_is_taken_and_removed`; `tests/it/forged.rs`: `a_digest_that_others_leave_while_the_build_runs_is_not_published` |
//! | 2 | a digest from before the build is deleted and never believed | `tests/it/main_job.rs`: `l50_a_digest_that_was_there_before_the_build_is_removed_and_never_believed` |
//! | 2 | the tag is replaced by the config's name | `tests/it/render/mod.rs`: `every_object_of_the_build_comes_out`; `src/reconcile/inputs/image_ref.rs`: `a_repository_is_the_pullspec_without_its_tag` |
//! | 2 | the stages and image labels of the Containerfile | `src/reconcile/objects/containerfile.rs`: `stages_and_labels_are_those_of_the_inputs`, `an_extensions_image_is_a_stage_between_the_two`; `tests/it/render/mod.rs`: `the_containerfile_can_be_had_alone_and_as_files` |
//! | 2 | what does not fit a label or a tag is shortened; an object's name that is too long is bad input | `tests/it/contract/names.rs`: `names_that_do_not_fit_a_label_or_a_tag_are_shortened_and_kept_whole_beside`, `an_object_name_that_would_be_too_long_is_bad_input`; `src/api/names.rs`: `a_name_that_does_not_fit_is_cut_and_told_apart_by_its_hash` |
//! | 2 | a stale object of ours is replaced | `tests/it/contract/names.rs`: `l24_a_stale_pod_with_our_labels_is_replaced` |
//! | 2 | a foreign object is never touched, and shown until it is gone | `tests/it/contract/names.rs`: `l24_a_foreign_pod_of_the_builds_name_is_never_touched_and_shown_until_it_is_gone`, `two_pools_that_want_one_config_are_built_one_after_the_other_left_alone`; `tests/it/contract/regressions.rs`: `l24_a_foreign_pod_is_shown_without_a_break_until_it_is_gone_restarts_included` |
//! | 2 | the exit codes, and which of them are tried again | `tests/it/contract/clauses.rs`: `exit_codes_that_may_pass_are_tried_again_and_others_are_not`; `tests/it/scripts/build.rs`: `l41_exit_codes_say_what_failed`; `tests/it/scripts/push.rs`: `l41_exit_codes_say_what_failed`; `src/reconcile/objects/pod/classify/tests.rs`: `exit_codes_tell_what_may_be_tried_again_and_why` |
//! | 3 | exactly one of the four, in step with the build | `tests/it/main_job.rs`: `a_pool_is_built_from_its_label_to_its_digest`; `tests/it/decide/properties.rs`: `whatever_happens_each_rest_is_a_lawful_one_and_the_end_is_an_image` |
//! | 3 | queued without a reference | `tests/it/contract/supersede.rs`: `l06_nothing_of_the_old_build_is_credited_to_the_new`; `tests/it/actors.rs`: `builds_wait_for_a_slot_in_the_order_in_which_pools_began_to_restarts_included` |
//! | 3 | retrying: which attempt of how many, why, no reference | `tests/it/contract/ends.rs`: `l14_a_pod_deleted_under_the_build_is_lost_and_tried_again_later`, `l14_an_evicted_pod_is_lost_its_remains_removed_and_attempts_counted_across_restarts` |
//! | 3 | what is lost, and what has failed | `src/reconcile/objects/pod/classify/tests.rs`: `phases_are_told_apart`, `l14_what_the_cluster_took_away_is_lost_not_failed`; `tests/it/contract/ends.rs`: `a_bare_failed_phase_is_the_users_failure_at_once`, `a_success_without_a_digest_is_lost` |
//! | 3 | the same of Builds | `tests/it/contract/openshift.rs`: `a_bare_end_is_the_users_failure_at_once`, `l14_a_build_whose_pod_was_taken_away_is_lost_and_tried_again`, `l14_a_build_deleted_while_it_runs_is_tried_again_and_given_up_in_the_end`, `l41_a_complete_build_without_a_digest_is_lost` |
//! | 3 | what is lost leaves nothing that runs, readable inputs or not | `tests/it/contract/regressions.rs`: `a_build_that_is_lost_while_inputs_are_unreadable_leaves_nothing_that_runs` |
//! | 3 | a pushed image is a success, whatever became of the helper, or of the pod | `tests/it/contract/clauses.rs`: `a_pushed_image_is_published_whatever_became_of_the_helper`; `tests/it/contract/ends.rs`: `a_success_of_a_pod_that_was_told_to_end_counts`; `src/reconcile/objects/pod/classify/tests.rs`: `a_digest_as_termination_message_is_success_whatever_became_of_the_helper` |
//! | 3 | references in spec and status, beside those of MachineConfigs | `tests/it/main_job.rs`: `a_pool_is_built_from_its_label_to_its_digest`, `l16_what_no_type_models_survives_every_write_to_a_pool` |
//! | 3 | claimed before made; the spec before the status | `tests/it/contract/clauses.rs`: `the_attempt_is_claimed_before_anything_is_made_and_the_spec_refers_before_the_status_shows` |
//! | 3 | success: published, cleaned up, shown, in this order; completed after a crash | `tests/it/contract/clauses.rs`: `l19_the_image_is_published_then_all_is_deleted_then_success_is_shown`; `tests/it/decide/properties.rs`: `l23_every_prefix_of_effects_followed_by_a_fresh_look_comes_to_the_same_end` |
//! | 3 | after a failure everything stays, until inputs change or a rebuild is asked for | `tests/it/contract/ends.rs`: `l13_l43_a_failed_build_says_at_once_what_failed_and_everything_stays`, `l12_a_failed_build_is_followed_by_one_of_a_new_config`, `l12_a_failed_build_is_made_again_on_request` |
//! | 3 | the message: step, exit code, last lines, attempt, next command, 1,024 bytes, no credentials | `tests/it/contract/ends.rs`: `l13_l43_a_failed_build_says_at_once_what_failed_and_everything_stays`, `l44_credentials_in_the_output_of_a_build_are_not_shown`; `tests/it/contract/clauses.rs`: `a_long_output_is_cut_to_its_end_and_the_next_command_stays` |
//! | 3 | `Degraded` is raised once, and never again | `tests/it/contract/ends.rs`: `l18_a_failure_is_told_once_and_degraded_never_raised_again` |
//! | 3 | `Degraded` is lifted when the next build starts, the input is mended, the pool opts out | `tests/it/contract/ends.rs`: `l12_a_failed_build_is_followed_by_one_of_a_new_config`; `tests/it/contract/inputs.rs`: `a_missing_config_map`; `tests/it/contract/leaving.rs`: `an_opt_out_of_a_failed_pool_lifts_its_degradation` |
//! | 3 | somebody else's degradation blocks, and is never written | `tests/it/contract/clauses.rs`: `each_degradation_of_somebody_elses_blocks_and_is_never_written`; `tests/it/contract/supersede.rs`: `a_config_that_was_published_before_is_not_shown_while_others_degrade_the_pool`; `tests/it/contract/inputs.rs`: `bad_input_of_a_pool_that_others_degrade_is_not_shown` |
//! | 3 | under it, a running build finishes; once it clears, the pool is built | `tests/it/contract/supersede.rs`: `a_running_build_finishes_on_a_pool_that_others_degrade`, `l03_a_pool_degraded_by_others_is_built_once_it_heals`, `a_claim_that_was_never_followed_by_a_pod_still_waits_its_turn` |
//! | 3 | opt-out removes everything, seen or unseen | `tests/it/contract/leaving.rs`: `an_opt_out_during_a_build_stops_it_and_removes_everything`, `an_opt_out_after_a_build_removes_the_image_and_the_record`, `l07_an_opt_out_while_the_daemon_was_down_is_made_good`; `tests/it/decide/properties.rs`: `whatever_happens_an_opt_out_leaves_nothing_behind` |
//! | 3 | a deleted pool leaves nothing | `tests/it/contract/leaving.rs`: `l09_a_deleted_pools_build_is_removed_without_a_complaint` |
//! | 3 | unrelated changes cause no build and no write | `tests/it/main_job.rs`: `an_unrelated_change_of_the_pool_causes_no_build_and_no_write` |
//! | 3 | Events: one for each transition, never twice | `tests/it/contract/supersede.rs`: `l05_config_change_during_build_supersedes_it`, `a_rebuild_is_made_on_request_even_of_a_pool_that_others_degrade`; `tests/it/contract/ends.rs`: `l18_a_failure_is_told_once_and_degraded_never_raised_again`; `tests/it/contract/fleet.rs`: `l36_two_daemons_at_once_make_one_build_and_tell_of_it_once`; `tests/it/metrics/once.rs`: `l18_whenever_a_process_dies_its_successor_counts_what_was_not_told_and_nothing_else`, `a_loss_is_told_even_if_nobody_was_there_while_the_next_attempt_was_not_due`; `tests/it/metrics/builds.rs`: `what_users_ask_for_is_counted`, `inputs_that_cannot_be_used_are_told_apart_by_what_the_pool_shows` |
//! | 4 | the record: what is tried, what failed, what is published | `tests/it/contract/clauses.rs`: `the_record_says_what_is_tried_what_failed_and_what_is_published`; `src/reconcile/pool/record.rs`: `a_record_survives_being_written_down`; `tests/it/contract/inputs.rs`: `a_record_that_cannot_be_read_is_not_overwritten` |
//! | 4 | a published pool is not built again, a pool that lost its image annotation is | `tests/it/decide/properties.rs`: `a_published_pool_with_unchanged_inputs_is_never_built`; `tests/it/contract/supersede.rs`: `an_image_annotation_that_somebody_removes_is_built_again` |
//! | 4 | what is published is what the build itself was made from | `tests/it/contract/supersede.rs`: `l26_a_repository_edited_during_a_build_is_never_paired_with_the_old_digest`; `tests/it/decide/properties.rs`: `whatever_happens_each_rest_is_a_lawful_one_and_the_end_is_an_image` |
//! | 4 | what the hash covers | `src/reconcile/inputs/build_inputs.rs`: `each_field_makes_a_build_another_one`, `a_value_cannot_pass_for_another_field` |
//! | 4 | what the hash does not cover | `tests/it/contract/supersede.rs`: `secrets_rotated_and_notes_edited_cause_no_build`; `tests/it/contract/clauses.rs`: `l47_other_secrets_and_a_restart_rebuild_nothing` |
//! | 4 | nor the builder, nor how a digest is handed over | `tests/it/contract/builders.rs`: `a_change_of_the_builder_rebuilds_nothing`; `tests/it/contract/handoff.rs`: `the_setting_is_no_reason_to_build_again` |
//! | 4 | a change supersedes, and nothing of the old build is credited to the new | `tests/it/contract/supersede.rs`: `l05_config_change_during_build_supersedes_it`, `l06_nothing_of_the_old_build_is_credited_to_the_new`, `a_config_set_back_to_the_published_one_stops_the_build_of_the_other`, `inputs_that_come_back_while_the_old_pod_ends_are_built_at_once_and_nothing_counts_as_lost` |
//! | 4 | an old object that does not go is deleted by force | `tests/it/contract/ends.rs`: `l49_a_pod_stuck_in_its_deletion_is_deleted_by_force_after_a_minute` |
//! | 4 | a rebuild on request: of a published, a failed, a running build | `tests/it/contract/supersede.rs`: `a_rebuild_is_made_on_request_even_of_a_pool_that_others_degrade`, `a_rebuild_of_a_running_build_replaces_it`; `tests/it/contract/ends.rs`: `l12_a_failed_build_is_made_again_on_request`; `tests/it/contract/clauses.rs`: `the_record_says_what_is_tried_what_failed_and_what_is_published` |
//! | 4 | unreadable inputs are no change | `tests/it/contract/inputs.rs`: `l48_unreadable_input_is_no_change`, `l13_a_build_that_fails_while_inputs_are_unreadable_is_shown` |
//! | 4 | a limit on builds at once, in the order of waiting, restarts included; none with 0 | `tests/it/actors.rs`: `builds_wait_for_a_slot_in_the_order_in_which_pools_began_to_restarts_included`; `tests/it/contract/fleet.rs`: `l39_pools_that_opt_in_all_at_once_are_built_a_few_at_a_time`; `src/reconcile/slots.rs`: `zero_is_no_limit`; `tests/it/run/arguments.rs`: `every_setting_is_a_flag_and_an_environment_variable` |
//! | 4 | a retry that waits holds no slot | `tests/it/contract/fleet.rs`: `a_retry_that_waits_holds_no_slot` |
//! | 5 | a missing ConfigMap, or a key of it | `tests/it/contract/inputs.rs`: `a_missing_config_map`, `l31_an_empty_base_image`; `tests/it/contract/clauses.rs`: `each_required_key_that_is_missing_is_named` |
//! | 5 | a pull spec that cannot be pushed to | `tests/it/contract/inputs.rs`: `a_pullspec_that_cannot_be_pushed_to`; `src/reconcile/inputs/image_ref.rs`: `what_cannot_be_pushed_to_is_refused` |
//! | 5 | a Secret that is missing, of another type, or malformed | `tests/it/contract/inputs.rs`: `a_missing_secret`, `a_secret_of_another_type`; `tests/it/contract/clauses.rs`: `a_secret_with_a_malformed_body_is_refused_and_never_quoted`; `src/reconcile/inputs/pull_secret/tests.rs`: `bad_bodies_are_named_and_never_quoted`, `an_entry_that_buildah_cannot_use_is_refused_with_its_host_and_never_quoted` |
//! | 5 | a MachineConfig that is missing or not a rendered one; an impossible name | `tests/it/contract/inputs.rs`: `a_missing_machine_config`, `a_config_that_is_not_rendered_or_has_no_possible_name`; `tests/it/contract/names.rs`: `an_object_name_that_would_be_too_long_is_bad_input` |
//! | 5 | a payload that cannot fit | `tests/it/contract/inputs.rs`: `l33_a_payload_that_cannot_fit_is_a_clear_terminal_condition_and_holds_no_slot` |
//! | 5 | a MachineConfig without an Ignition config | `tests/it/contract/written.rs`: `a_machine_config_without_an_ignition_config_is_refused_before_there_is_a_pod`; `src/reconcile/objects/payload.rs`: `what_ignition_could_not_apply_is_refused_by_name_and_field` |
//! | 5 | `binaryData` where text is read | `tests/it/contract/written.rs`: `text_in_binary_data_is_not_left_out` |
//! | 5 | a Containerfile with a byte order mark, or of another image | `tests/it/contract/written.rs`: `a_containerfile_that_cannot_be_meant_is_refused_by_its_pools_key`; `src/reconcile/inputs/stages.rs`: `a_last_stage_of_another_image_is_named_with_its_line`, `characters_that_editors_leave_are_refused_with_their_line` |
//! | 5 | a pull secret that buildah cannot use, or can once it is brought into form | `tests/it/contract/written.rs`: `a_pull_secret_that_no_build_can_use_is_refused`, `user_and_password_are_brought_into_the_form_that_buildah_reads` |
//! | 5 | base64 as Kubernetes reads it, scrubbed in every form | `src/encoding.rs`: `line_breaks_are_ignored_wherever_they_stand`; `tests/secrets/shapes.rs`: `l44_no_shape_of_a_pull_secret_gives_its_credentials_away` |
//! | 5 | a key of Containerfile texts that is no pool's | `tests/it/contract/written.rs`: `a_key_that_is_no_pools_is_told_of_once_on_its_config_map` |
//! | 5 | a control character that would reach the Containerfile | `tests/it/contract/inputs.rs`: `l32_a_line_break_in_a_release_version`; `tests/it/render/mod.rs`: `l32_a_line_break_in_a_value_never_reaches_the_containerfile` |
//! | 5 | a builder whose API the cluster does not serve | `tests/it/contract/unserved.rs`: `a_builder_that_the_cluster_does_not_serve_is_shown_told_once_and_used_once_it_is_served`, `a_builder_that_is_not_served_is_mended_by_asking_for_another`, `l48_an_image_that_is_published_stays_when_a_builder_that_is_not_served_is_asked_for` |
//! | 5 | what a late watch has not told of is not missing | `tests/it/contract/trouble.rs`: `l48_what_a_late_watch_has_not_told_of_is_not_missing` |
//! | 5 | one Event, no object, and a build once it is mended | `tests/it/contract/inputs.rs`: `a_missing_config_map`, `a_missing_secret`, `a_missing_machine_config` |
//! | 6 | a released lease is taken at once, another's only after its time | `src/cluster/lease/mod.rs`: `a_lease_that_nobody_holds_is_taken_at_once`, `another_ones_lease_is_taken_only_after_it_was_seen_unchanged_for_its_duration`, `ones_own_lease_is_renewed_and_keeps_its_history`, `timing_has_to_keep_leaders_apart`; `tests/it/run/leadership.rs`: `of_two_one_works_and_the_other_goes_on_when_it_is_told_to_stop`, `a_daemon_that_stands_by_can_be_told_to_stop` |
//! | 6 | leadership can be turned off | `tests/it/run/leadership.rs`: `without_leader_election_there_is_no_lease` |
//! | 6 | no request leaves past the renew deadline | `src/cluster/lease/fence.rs`: `nothing_leaves_before_or_after_ones_time` |
//! | 6 | whoever comes next goes on | `tests/it/run/leadership.rs`: `a_build_whose_daemon_was_killed_is_adopted_and_published`; `tests/it/actors.rs`: `a_build_goes_on_without_the_daemon_and_is_taken_over_by_the_next` |
//! | 6 | updates carry what they were decided from, deletions a UID | `src/reconcile/pool/patch.rs`: `l22_a_change_of_what_was_decided_from_makes_the_patch_fail`; `tests/it/decide/properties.rs`: `whatever_happens_each_rest_is_a_lawful_one_and_the_end_is_an_image` |

mod builders;
mod causes;
mod clauses;
mod clocks;
mod ends;
mod evidence;
mod fleet;
mod handoff;
mod inputs;
mod leaving;
mod names;
mod openshift;
mod refusals;
mod refused;
mod regressions;
mod supersede;
mod table;
mod trouble;
mod unserved;
mod written;
