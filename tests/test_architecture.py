"""Each statement of docs/architecture.md on how it behaves names here the tests that hold it.

A statement is a point of a list, a row or a paragraph, found by how it begins. A new one without a test fails here, and
so does one whose test is gone. What the page says of files, names and numbers is compared with the code in
``test_docs``, ``test_numbers``, ``test_imports`` and ``tests/scripts/lab``.
"""

import re
from collections.abc import Iterator, Mapping

import pytest

from stages.support import ROOT

PAGE = (ROOT / "docs/architecture.md").read_text()

HELD: Mapping[str, Mapping[str, str]] = {
    "The idea": {
        "1. The **worker** owns": """
            worker/test_log.py::test_what_was_appended_is_read_again_in_order
            worker/test_worker.py::test_without_a_supervisor_the_turn_goes_on_and_whoever_comes_back_hears_the_rest""",
        "2. The **supervisor** folds": """
            supervisor/workers/test_downlink.py::test_records_are_acknowledged_once_they_are_folded_and_answer_what_waited
            supervisor/sessions/test_store.py::test_memory_never_knows_more_than_the_disk""",
        "3. Small loops": """
            supervisor/workers/test_seats.py::test_each_state_has_its_next_step
            supervisor/workers/test_downlink.py::test_a_wish_goes_to_a_worker_that_runs_at_once_and_again_until_it_is_answered
            supervisor/threads/test_outbox.py::test_what_was_desired_before_the_start_is_shown_after_it""",
        "4. **bridge/** is": "test_imports.py::test_bridge_is_pure",
        "5. Recovery is": """
            worker/test_uplink.py::test_after_the_welcome_come_the_records_above_it_in_order_and_the_ack_is_kept
            worker/test_uplink.py::test_a_lost_connection_ends_the_welcome_and_the_next_one_goes_on_where_that_supervisor_is""",
        "6. What a thread shows": """
            bridge/render/test_view.py::test_every_intermediate_view_of_a_transcript_can_be_posted
            bridge/render/test_broken_off.py::test_text_that_comes_again_after_a_restart_goes_on_where_it_was
            supervisor/sessions/test_journal.py::test_a_lost_database_knows_who_allowed_first_and_who_is_invited
            supervisor/sessions/test_journal.py::test_a_lost_database_knows_that_a_lost_turns_card_was_clicked
            processes/test_restart.py::test_a_click_while_the_supervisor_is_down_fails_and_the_next_one_decides""",
    },
    "Identity": {
        "- A session's id is minted": """
            bridge/session/test_permission.py::test_a_decision_carries_the_name_and_the_digest_of_what_was_shown
            bridge/routing/test_router.py::test_a_click_decides_the_request_that_it_names
            worker/test_begin_log.py::test_a_lost_log_has_another_generation_and_nothing_of_the_old_one_counts
            processes/test_identity.py::test_a_decision_of_another_generation_decides_nothing""",
        "- A decision carries": """
            worker/test_stream.py::test_a_decision_on_another_input_is_refused_and_the_request_stays_open
            processes/test_identity.py::test_a_decision_on_another_input_than_the_shown_one_is_refused_and_the_request_stays""",
        "- **Each start of a worker": """
            supervisor/workers/test_admission.py::test_who_lacks_one_of_the_three_is_refused
            processes/test_identity.py::test_a_stolen_key_is_refused_from_another_process
            processes/test_identity.py::test_the_key_of_one_session_opens_no_other
            processes/test_identity.py::test_a_worker_that_claims_another_session_is_refused_counted_and_cut_off""",
        "- **One worker per session": """
            processes/test_identity.py::test_a_second_worker_of_a_session_ends_at_once
            supervisor/sessions/test_worker_needs.py::test_the_pid_of_a_worker_that_the_store_knew_counts_for_nothing_after_a_restart""",
        "- **Versions.**": """
            bridge/protocol/test_wire.py::test_both_sides_go_on_with_the_newest_protocol_that_both_know
            processes/test_versions.py::test_a_worker_that_is_too_new_is_told_of_and_works_on_until_the_supervisor_is_as_new
            processes/test_versions.py::test_a_worker_that_is_too_old_is_replaced_and_the_conversation_goes_on""",
        "- A click or a text decides": """
            bridge/routing/test_router.py::test_a_click_in_another_sessions_thread_or_in_none_decides_nothing
            supervisor/sessions/test_typed.py::test_who_may_not_decide_writes_messages
            bridge/session/test_permission.py::test_always_needs_a_rule_and_the_clock_decides_as_nobody
            processes/test_identity.py::test_the_first_decision_wins""",
        "`tests/processes/test_identity.py` tries": """
            processes/test_identity.py::test_the_holder_of_the_lock_with_the_right_key_is_welcomed
            processes/test_containment_attacks.py::test_the_project_can_be_written""",
    },
    "Containment": {
        "The child runs in bubblewrap": """
            worker/walls/test_containment.py::test_the_probe_runs_the_exact_arguments
            worker/walls/test_containment.py::test_only_the_word_none_lets_a_child_run_uncontained
            processes/test_shut_in.py::test_what_waits_is_told_once_and_runs_once_bubblewrap_is_there
            processes/test_shut_in.py::test_an_uncontained_session_says_so_first_in_the_list_and_in_the_log
            processes/test_containment_attacks.py::test_no_capability_is_left
            processes/test_containment_attacks.py::test_the_kernel_cannot_be_told_what_to_do
            processes/test_containment_attacks.py::test_no_other_process_is_visible""",
        "At the level `project`": """
            worker/walls/test_open_list.py::test_of_the_home_only_what_is_listed_is_the_users_own
            worker/walls/test_open_list.py::test_nothing_that_is_hidden_is_on_the_list
            worker/walls/test_open_list.py::test_the_home_begins_empty_and_tmp_stays
            worker/walls/test_containment.py::test_state_secrets_sockets_and_settings_are_covered
            processes/test_containment_attacks.py::test_secrets_cannot_be_read
            processes/test_containment_attacks.py::test_code_and_configuration_cannot_be_written
            processes/test_containment_attacks.py::test_no_directory_above_can_be_renamed_away""",
        "A path that the child names": """
            processes/test_child_view.py::test_a_name_means_what_it_means_inside
            processes/test_child_view.py::test_no_link_leads_out_of_what_the_child_sees
            worker/test_sending.py::test_what_is_hidden_from_the_child_is_not_sent_from_a_project_that_holds_it
            processes/test_files.py::test_what_lies_elsewhere_is_not_sent_and_claude_is_told_why""",
        "A push (`git_push": """
            processes/test_git_push.py::test_the_card_shows_what_goes_out_and_only_what_is_allowed_does
            processes/test_git_push.py::test_no_permission_mode_leads_around_the_card
            processes/test_git_push.py::test_nothing_of_the_projects_configuration_and_hooks_acts
            processes/test_git_push.py::test_a_remote_that_is_changed_later_counts_for_nothing""",
        "What a child could have planted": """
            worker/test_opening.py::test_a_link_that_the_user_could_have_made_is_refused_wherever_it_leads
            worker/test_bubblewrap.py::test_neither_the_program_nor_anything_above_it_may_be_somebody_elses
            processes/test_replaced_project.py::test_another_directory_in_its_place_is_told_and_gone_on_in_when_a_person_says_so
            processes/test_replaced_project.py::test_the_directory_is_known_from_the_sessions_creation_and_in_the_log""",
        "Nothing of the project's own files acts": """
            worker/test_instructions.py::test_both_places_are_read_and_named
            worker/walls/test_arguments.py::test_nothing_of_the_projects_own_acts
            supervisor/sessions/test_trust.py::test_a_copy_that_is_not_exactly_what_was_trusted_does_not_act
            bridge/trust/test_acting.py::test_what_is_not_understood_is_left_out_and_named
            worker/walls/test_arguments.py::test_the_mode_is_always_told
            worker/test_modes.py::test_a_looser_mode_that_nobody_chose_ends_the_child_however_it_is_told
            worker/test_modes.py::test_only_a_uuid_is_an_id_of_claudes
            worker/walls/test_arguments.py::test_a_name_that_a_child_made_up_is_no_argument""",
        "Child stdio is a socketpair": """
            worker/test_claude_stdio.py::test_a_childs_three_descriptors_are_sockets_that_cannot_be_opened_through_proc
            processes/test_containment_attacks.py::test_nobody_writes_into_anothers_input
            worker/walls/test_containment.py::test_only_what_is_on_the_list_is_inherited
            processes/test_cli.py::test_check_finds_strays_and_ends_those_of_our_sessions_only
            supervisor/workers/test_worker_environment.py::test_neither_the_token_nor_what_is_systemds_or_steers_python_is_passed_on
            test_undumpable.py::test_a_supervisor_is_not_dumpable_before_it_does_anything
            test_undumpable.py::test_a_worker_is_not_dumpable_before_it_is_told_its_key""",
    },
    "Limits": {
        "A session may have": """
            processes/test_limits.py::test_where_there_are_controllers_the_kernel_holds_a_session_and_elsewhere_its_worker
            worker/test_cgroup.py::test_a_child_is_inside_from_its_first_moment_and_leaves_with_all_it_started
            supervisor/workers/test_cgroups.py::test_a_supervisor_in_the_units_own_cgroup_never_divides_it
            worker/test_guard.py::test_what_the_kernel_does_not_hold_the_guard_counts_itself
            worker/test_guard.py::test_refused_processes_are_told_and_when_it_does_not_end_it_is_a_bomb
            worker/test_excess.py::test_of_the_heaviest_tool_the_smallest_part_is_ended_that_is_enough_so_that_its_shell_tells_claude
            worker/test_excess.py::test_when_claude_itself_is_too_large_no_tool_is_blamed
            processes/test_limits.py::test_a_bomb_of_2000_processes_is_ended_and_the_session_goes_on
            processes/test_limits.py::test_a_tool_that_takes_too_much_memory_is_ended_and_claudes_turn_goes_on""",
        "What a child pours out": """
            worker/test_framer.py::test_of_a_line_above_the_limit_only_its_head_and_size_are_known_and_the_next_one_is_whole
            processes/test_limits.py::test_a_tool_that_prints_without_end_leaves_16_kib_in_the_log
            worker/test_texts.py::test_one_text_above_its_own_limit_is_cut_and_others_follow
            worker/test_texts.py::test_texts_of_one_turn_end_with_a_word_and_the_next_turn_has_its_own
            bridge/protocol/test_records.py::test_no_record_is_longer_than_it_may_be_and_says_what_was_cut
            processes/test_limits.py::test_a_log_that_grows_beyond_its_quota_ends_the_child_and_no_other_is_started_before_there_is_room
            worker/test_stream.py::test_a_child_that_opens_more_and_more_and_closes_nothing_is_ended
            worker/test_brake.py::test_a_torrent_is_read_at_the_rate_and_no_faster
            processes/test_limits.py::test_another_sessions_card_comes_within_two_seconds""",
    },
    "Durability": {
        "- **Append, then act": """
            worker/test_orders.py::test_a_prompt_is_in_the_log_before_claude_gets_it
            worker/test_worker.py::test_a_prompt_that_the_log_did_not_take_is_not_sent
            worker/test_log.py::test_only_what_must_survive_a_power_cut_waits_for_the_disk
            supervisor/workers/test_downlink.py::test_while_the_store_takes_nothing_a_worker_is_not_heard_and_nothing_is_lost""",
        "- **Commands are wishes**": """
            bridge/protocol/test_answers.py::test_a_decision_is_answered_by_its_own_log_only_and_the_first_one_wins
            supervisor/workers/test_downlink.py::test_a_wish_goes_to_a_worker_that_runs_at_once_and_again_until_it_is_answered
            worker/test_worker.py::test_a_command_that_is_repeated_has_one_effect""",
        "- **A prompt** passes": """
            worker/test_recovery.py::test_a_prompt_that_claude_never_took_is_sent_again
            worker/test_recovery.py::test_a_prompt_that_stands_in_claudes_transcript_is_never_sent_again
            worker/test_transcript.py::test_merged_prompts_were_all_taken_when_the_last_one_stands_there""",
        "- **A turn is never replayed.**": """
            worker/test_recovery.py::test_a_running_turn_is_closed_as_lost_and_its_prompt_never_sent_again
            worker/test_recovery.py::test_the_tool_that_ran_has_an_unknown_outcome_and_comes_before_the_turns_end
            worker/test_recovery.py::test_open_requests_are_withdrawn_and_background_tasks_lost
            processes/test_recovery.py::test_a_turn_that_dies_with_claude_is_said_once_and_continue_tells_claude_what_happened
            processes/test_recovery.py::test_a_turn_that_dies_with_its_worker_shows_the_tool_of_unknown_outcome_and_can_be_discarded""",
        "- **Text in the middle of which": """
            processes/test_broken_off.py::test_what_was_shown_stays_when_claude_or_its_worker_dies_in_the_middle_of_it
            processes/test_broken_off.py::test_what_was_shown_stays_when_the_supervisor_is_away_while_the_worker_dies
            processes/test_broken_off.py::test_what_claude_wrote_after_the_last_that_was_shown_is_shown_when_the_worker_lives""",
        "- **A newer version's record**": """
            bridge/protocol/test_records.py::test_what_is_newer_than_we_are_is_kept_whole
            bridge/protocol/test_records.py::test_it_changes_nothing_of_a_session_and_does_not_block_what_follows
            worker/test_asks.py::test_an_input_that_nobody_can_be_shown_whole_is_refused_in_words_for_claude""",
        "- **A lost, doubled or stray line": """
            worker/test_damage.py::test_a_lost_line_keeps_no_session_busy
            worker/test_damage.py::test_a_doubled_line_keeps_no_session_busy_and_ends_no_turn_twice
            worker/test_damage.py::test_a_line_that_comes_again_when_all_is_over_wakes_nothing""",
        "- **A signal that nobody wished for**": """
            worker/test_worker.py::test_a_shutdown_loses_the_turn_and_drops_nothing
            processes/test_recovery.py::test_a_worker_that_a_shutdown_ends_closes_its_turn_as_lost_and_keeps_what_waits""",
        "- **An edited or deleted prompt**": """
            supervisor/threads/test_inbound.py::test_a_waiting_prompt_is_delivered_as_edited_and_a_deleted_one_not_at_all
            worker/test_amend.py::test_an_edit_takes_the_old_text_back_and_then_sends_the_new_one
            bridge/render/test_view.py::test_the_mark_of_a_waiting_prompt_says_what_became_of_its_edit
            supervisor/threads/test_inbound.py::test_an_edit_of_what_claude_took_up_is_said_to_come_too_late_and_a_preview_is_not
            supervisor/threads/test_inbound.py::test_a_deletion_in_the_middle_of_a_turn_is_said_to_come_too_late
            supervisor/threads/test_inbound.py::test_after_a_restart_an_edit_is_too_late_as_long_as_the_turn_runs_and_then_says_nothing""",
        "- **Which worker is it?**": """
            processes/test_conversation.py::test_of_two_workers_that_were_spawned_the_one_that_has_the_lock_is_attached
            supervisor/workers/test_this_machine.py::test_the_holders_start_is_known_by_its_name_in_the_lock_and_our_note""",
        "- **Lost state.**": """
            supervisor/sessions/test_recall.py::test_without_a_database_a_session_is_known_from_its_log_and_nothing_is_posted_again
            supervisor/sessions/test_recall.py::test_a_worker_that_runs_tells_it_with_its_hello
            supervisor/sessions/test_recall.py::test_a_session_that_was_silent_for_long_hears_nothing_of_it
            supervisor/sessions/test_recall.py::test_what_a_later_state_of_the_database_showed_is_folded_and_not_posted
            processes/test_recovery.py::test_a_truncated_log_goes_on_above_what_was_shown_and_old_buttons_decide_nothing
            processes/test_recovery.py::test_a_lost_log_begins_anew_and_a_decision_on_the_old_one_is_void""",
        "- **A sick disk**": """
            supervisor/workers/test_downlink.py::test_while_the_store_takes_nothing_a_worker_is_not_heard_and_nothing_is_lost
            worker/test_worker.py::test_a_log_that_takes_no_more_ends_the_child_at_once_and_the_worker_with_it
            processes/test_recovery.py::test_a_worker_whose_log_takes_no_more_ends_its_claude_and_says_why""",
        "- **Outbox**": """
            supervisor/threads/test_outbox.py::test_only_the_first_new_post_may_be_created
            supervisor/threads/test_outbox.py::test_the_attempt_is_committed_before_the_create
            supervisor/threads/test_outbox.py::test_a_nonce_names_session_post_and_attempt_in_25_characters
            supervisor/threads/test_outbox.py::test_a_create_whose_reply_is_lost_is_repeated_under_its_nonce_and_posted_once
            supervisor/threads/test_outbox.py::test_an_outage_longer_than_the_nonce_is_kept_posts_once""",
        "- **Refusals**": """
            supervisor/threads/test_refusals.py::test_what_is_wrong_with_a_post_is_mended_at_once
            supervisor/threads/test_refusals.py::test_what_is_wrong_with_a_place_passes_and_is_tried_again_ever_more_seldom
            supervisor/threads/test_refusals.py::test_a_refused_post_is_tried_again_after_a_restart
            supervisor/threads/test_refusals.py::test_a_missing_permission_is_said_at_once_by_the_name_that_discord_has_for_it
            supervisor/threads/test_own_posts.py::test_a_card_that_is_open_is_posted_anew_and_one_that_is_decided_stays_deleted
            supervisor/threads/test_own_posts.py::test_the_answer_that_is_being_written_is_posted_anew_and_an_old_one_is_not""",
        "- **Inbound**": """
            supervisor/threads/test_inbound.py::test_only_what_is_newer_than_its_cursor_is_read
            supervisor/threads/test_inbound.py::test_a_message_before_one_that_cannot_be_read_is_read_again_when_the_store_was_sick
            supervisor/discord/test_gateway.py::test_an_invalidated_session_is_read_back_and_a_lost_socket_resumed
            supervisor/threads/test_inbound.py::test_live_messages_wait_and_neither_move_the_cursor_nor_come_twice
            supervisor/sessions/test_gaps.py::test_a_place_that_cannot_be_read_hears_live_messages_and_gets_what_was_missed_later""",
        "- **Delivery** asks again": """
            supervisor/sessions/test_delivery.py::test_a_prompt_whose_thread_cannot_be_made_is_kept_and_nobody_works_for_it
            supervisor/sessions/test_delivery.py::test_a_prompt_of_somebody_who_lost_the_role_while_it_waited_is_not_delivered""",
        "- **A restored backup**": """
            supervisor/threads/test_restored.py::test_a_prompt_whose_thread_the_backup_does_not_know_is_not_asked_again
            supervisor/threads/test_restored.py::test_what_stands_before_a_post_that_we_do_not_know_was_heard
            supervisor/discord/test_alone.py::test_the_second_on_one_machine_does_not_answer_and_takes_over_when_the_first_is_gone
            supervisor/discord/test_alone.py::test_of_two_on_two_machines_the_one_that_was_started_later_stops_answering""",
        "- **A worker's pidfd**": """
            processes/test_room.py::test_when_the_state_directory_is_renamed_a_worker_that_is_well_stays_and_new_sessions_say_why
            processes/test_room.py::test_a_session_that_sleeps_is_not_looked_at
            supervisor/workers/test_processes.py::test_the_operators_bell_makes_us_look_at_all""",
        "- **Before a migration**": """
            supervisor/sessions/test_store.py::test_before_a_migration_a_copy_of_the_store_is_kept_that_the_version_before_can_read""",
        "- Workers outlive the supervisor.": """
            processes/test_conversation.py::test_workers_outlive_the_supervisor_and_are_attached_again
            supervisor/workers/test_this_machine.py::test_a_worker_is_spawned_bare_in_a_process_session_of_its_own""",
        "`./scripts/faults` breaks": """
            processes/test_faults.py::test_nothing_is_lost_or_twice_wherever_it_strikes
            processes/test_faults.py::test_nothing_of_a_prompt_in_several_messages_is_lost_or_twice_when_the_supervisor_dies
            scripts/lab/test_faults_table.py::test_a_cell_tells_runs_findings_and_the_recovery
            scripts/lab/test_faults_table.py::test_each_kind_of_run_has_its_part_of_the_page_and_leaves_the_others""",
        "`./scripts/test-upgrade COMMIT`": """
            processes/test_earlier.py::test_a_state_directory_of_0_1_comes_up_with_its_open_cards_its_lost_turns_and_what_waited
            processes/test_earlier.py::test_workers_of_0_1_go_on_under_this_supervisor_with_their_cards_their_turn_and_what_waits""",
    },
    "Steering, files, sleep": {
        "- **When a prompt is taken up**": """
            worker/test_requeue.py::test_what_is_queued_for_later_is_sent_again_with_that_priority
            worker/test_requeue.py::test_now_takes_back_all_that_waits_and_sends_the_wanted_one_first_and_the_others_for_later
            processes/test_steering.py::test_a_prompt_that_is_to_be_taken_now_ends_the_running_tool_and_comes_before_what_waited_longer""",
        "- **Model, mode, effort**": """
            processes/test_steering.py::test_model_mode_and_effort_switch_live_and_the_thread_remembers_them_when_it_wakes
            supervisor/sessions/test_worker_needs.py::test_a_setting_alone_starts_nothing_and_goes_first_once_something_is_asked
            supervisor/commands/test_slash.py::test_models_and_efforts_are_offered_as_claude_told_them_and_modes_are_ours
            supervisor/commands/test_slash.py::test_a_mistyped_model_mode_or_effort_says_which_one_is_meant""",
        "- **Commands**": """
            worker/test_requeue.py::test_only_what_was_chosen_as_a_command_is_sent_as_one
            processes/test_steering.py::test_a_command_that_is_only_written_is_text_and_one_that_is_chosen_is_run""",
        "- **A question's answers so far**": """
            bridge/render/test_agents.py::test_a_draft_is_shown_and_outlives_the_views_stored_form
            supervisor/sessions/test_journal.py::test_a_lost_database_knows_what_was_chosen_so_far_of_an_open_question""",
        "- **Bursts**": """
            supervisor/threads/test_inbound_bursts.py::test_three_quick_messages_in_the_channel_are_one_session_and_one_prompt
            supervisor/threads/test_inbound_bursts.py::test_what_was_told_in_the_wrong_order_is_read_in_the_right_one
            supervisor/threads/test_inbound_bursts.py::test_nothing_joins_what_may_be_on_its_way
            supervisor/threads/test_inbound_bursts.py::test_an_accepted_burst_is_gone_from_the_inbox_as_a_whole
            supervisor/sessions/test_recall.py::test_messages_that_are_in_the_log_are_not_handled_twice_and_later_ones_are_read_back""",
        "- **Files in**": """
            supervisor/threads/test_attachments.py::test_files_are_fetched_below_the_sessions_folder_and_noted_in_the_wish
            supervisor/threads/test_attachments.py::test_a_prompt_waits_for_its_files_and_later_prompts_wait_for_it_but_a_stop_does_not
            processes/test_files.py::test_a_child_reads_what_it_was_sent_and_cannot_write_there_nor_see_another_sessions
            worker/test_prompt_files.py::test_an_image_becomes_a_block_by_its_own_bytes_and_is_told_by_its_path
            worker/test_prompt_files.py::test_a_pdf_becomes_a_document_with_its_name
            real/test_files.py::test_an_image_and_a_pdf_reach_the_api_as_blocks_and_every_path_is_told""",
        "- **Files out**": """
            worker/test_files_out.py::test_the_copy_is_whole_when_the_log_is_told_and_claude_hears_of_it_after_that
            worker/test_files_out.py::test_what_the_log_did_not_take_is_not_answered
            worker/test_sending.py::test_what_claude_changes_afterwards_does_not_change_the_copy
            worker/test_sending.py::test_a_file_of_the_scratch_folder_is_sent_though_the_state_directory_is_hidden
            processes/test_files.py::test_a_file_that_claude_sends_comes_back_with_the_same_bytes_exactly_once""",
        "- **Hibernation**": """
            processes/test_steering.py::test_an_idle_session_hibernates_and_wakes_where_it_was
            worker/test_worker.py::test_to_hibernate_is_declined_while_there_is_something_to_do
            processes/test_steering.py::test_a_session_that_got_something_to_do_in_the_last_moment_does_not_hibernate""",
    },
    "Where this differs from the first design": {
        "| psutil only": "test_imports.py::test_an_outside_world_is_imported_in_its_one_place",
        "| REST through nextcord": """
            test_imports.py::test_an_outside_world_is_imported_in_its_one_place
            supervisor/discord/test_pace.py::test_text_leaves_the_last_request_of_a_window_to_a_card_or_the_end_of_the_turn""",
        "| `kill` goes through": """
            processes/test_cli.py::test_kill_leaves_nothing_of_a_session_not_even_what_fled
            processes/test_restart.py::test_list_and_kill_tell_the_truth_when_workers_and_the_supervisor_have_died
            processes/test_room.py::test_a_sleeping_session_that_the_operator_ends_is_ended_at_once""",
        "| `/stop`ped sessions": """
            supervisor/sessions/test_worker_needs.py::test_a_session_that_somebody_ended_wakes_by_any_message
            processes/test_discord.py::test_stop_ends_the_turn_then_the_session_and_continue_wakes_it""",
        "| wide tables as images": """
            bridge/render/markdown/test_tables.py::test_what_would_be_too_wide_or_has_links_is_a_list""",
        "| one event loop task": """
            supervisor/discord/test_hearing.py::test_an_event_was_heard_by_all_when_the_call_that_brought_it_returns""",
    },
    "State machines": {
        "[machines.md](machines.md) draws": """
            scripts/lab/test_machines.py::test_the_page_is_drawn_from_the_code_as_it_is
            bridge/session/test_session.py::test_an_idle_session_whose_subagent_asks_is_awaiting
            bridge/session/test_session.py::test_quick_deaths_make_a_session_broken_and_a_turn_mends_it""",
        "A stop is a ladder": """
            worker/test_worker.py::test_a_stop_interrupts_the_turn_and_then_asks_the_child_to_end
            worker/test_worker.py::test_each_rung_of_the_ladder_has_its_deadline
            supervisor/workers/test_trees.py::test_the_whole_tree_is_frozen_before_anything_is_killed_and_the_worker_is_killed_last
            processes/test_cli.py::test_kill_leaves_nothing_of_a_session_not_even_what_fled""",
    },
}  # fmt: skip
"""By section, how a statement begins → the tests that hold it, below ``tests/``."""


def statements(section: str) -> Iterator[str]:
    """Its points, rows and paragraphs, each in one line."""
    body = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    body = re.sub(r"```.*?```|^\|[^\n]*\n\|---[^\n]*$", "", body, flags=re.DOTALL | re.MULTILINE)
    parts = re.split(r"\n(?=- |\d\. |\| |\n)", body)
    return filter(None, (" ".join(part.split()) for part in parts))


@pytest.mark.parametrize("section", HELD)
def test_each_statement_on_how_it_behaves_is_held(section: str) -> None:
    found = list(statements(section))
    assert len(found) > 1
    assert [one for one in found if not any(one.startswith(begun) for begun in HELD[section])] == []
    assert [begun for begun in HELD[section] if sum(one.startswith(begun) for one in found) != 1] == []


@pytest.mark.parametrize("section", HELD)
def test_the_tests_that_hold_it_are_there(section: str) -> None:
    named = [line for tests in HELD[section].values() for line in tests.split()]
    gone = [f"{path}::{test}" for path, test in (line.split("::") for line in named) if not is_there(path, test)]
    assert gone == []


def is_there(path: str, test: str) -> bool:
    file = ROOT / "tests" / path
    return file.is_file() and bool(re.search(rf"^(async )?def {test}\(", file.read_text(), re.MULTILINE))


def test_a_statement_that_nobody_holds_would_be_seen() -> None:
    found = list(statements("Durability"))
    assert len(found) > 20 and not any(one.startswith(("```", "#")) for one in found)
    assert not is_there("test_architecture.py", "test_that_is_gone") and not is_there("test_gone.py", "test_x")
