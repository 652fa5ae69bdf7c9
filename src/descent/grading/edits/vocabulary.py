"""All slips that are known, likeliest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from descent.grading.edits import (
    arithmetic,
    axes,
    calls,
    conditions,
    displays,
    functions,
    indexing,
    loops,
    modules,
    names,
    numbers,
    options,
    randomness,
    results,
    statements,
    states,
    training,
)
from descent.grading.edits.change import Change, everywhere
from descent.grading.edits.code import Code

Slip = Callable[[Code], Iterator[Change]]

LIKELY: tuple[Slip, ...] = (
    results.swapped_results,
    loops.after_first_pass,
    conditions.truth_for_none,
    arithmetic.brackets,
    arithmetic.function_of_part,
    axes.mean_of_parts,
    functions.summed_for_averaged,
    arithmetic.squares,
    arithmetic.complement,
    arithmetic.exchanged_weights,
    arithmetic.dropped_operand,
    axes.other_axis,
    training.modes,
    training.recording,
    training.gradients_cleared,
    training.weights_forgotten,
    loops.computed_once,
    loops.dropped_last_batch,
    randomness.not_shuffled,
    states.pair_not_shuffled,
    functions.other_function,
    conditions.always_or_never,
    conditions.and_or,
    indexing.whole_for_part,
    indexing.in_all_statements,
    functions.other_of_equals,
    arithmetic.other_side,
    statements.dropped_statement,
    statements.one_target_of_many,
    statements.not_refused,
    options.dropped_option,
    states.recorded_late,
    results.results_in_a_round,
    names.argument_not_used,
    axes.transposed,
    calls.forgotten_call,
    options.added_option,
    options.turned_option,
    functions.without_fill,
    conditions.other_comparison,
    arithmetic.regrouped,
    arithmetic.power_of_all,
    arithmetic.other_rounding,
    arithmetic.other_operator,
    modules.kinds_of_state,
    modules.shared_layers,
    modules.residual,
    loops.moved_in,
    loops.other_range,
    axes.other_index_axis,
    axes.new_axis_elsewhere,
    axes.keepdim,
    training.mode_per_epoch,
    loops.exchanged_loops,
    loops.continue_break,
    conditions.exchanged_branches,
    conditions.out_of_branch,
    statements.rebound,
    results.same_result_twice,
    results.too_few_results,
    results.same_through_call,
    loops.moved_out,
    loops.passes_lost,
    indexing.index_forgotten,
    indexing.other_slice,
    displays.exchanged_elements,
    displays.exchanged_parts,
    displays.exchanged_entries,
    displays.lost_alternative,
    names.other_of_two,
    names.exchanged_parameters,
    names.exchanged_values,
)

OTHERS: tuple[Slip, ...] = (
    statements.not_assigned,
    calls.summed_loss,
    functions.other_base,
    functions.averaged_last,
    numbers.infinity,
    numbers.other_turn,
    numbers.other_number,
    states.earlier_value,
    arithmetic.assigned_for_updated,
    modules.layer_forgotten,
    modules.other_layer,
    calls.nested_order,
    functions.other_dtype,
    statements.exchanged_statements,
    names.other_name,
    names.exchanged_occurrences,
    names.exchanged_arguments,
    names.other_default,
    names.stale_value,
    indexing.copies,
    results.cut_chain,
    results.changed_result,
    results.nothing_returned,
    training.cut_off,
    training.modes_added,
    names.other_attribute,
    results.returned_part,
    results.result_and_parameter,
    results.changed_step,
    names.changed_parameter,
    names.ignored_entirely,
    names.other_name_in_statement,
    statements.done_twice,
    statements.moved_to_end,
    calls.twice,
    arithmetic.scaled,
    names.any_other_name,
    numbers.off_by_one,
    results.other_type,
)


def changes(code: Code, slips: Sequence[Slip]) -> Iterator[Change]:
    """Every change of a definition by these slips, in one place and in every place."""
    for slip in slips:
        single = list(slip(code))
        yield from single
        yield from everywhere(single)


def single_changes(code: Code) -> Iterator[Change]:
    """The likely ones in one place each."""
    for slip in LIKELY:
        yield from slip(code)
