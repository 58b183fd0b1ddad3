"""A belief -> the questions that are put to a model. Pure: no model, no file, no randomness.

Ids are `<belief>/<task>/<fact>/<8 hex digits of what is shown>/<variant>` and do not name the context, so that the same
question under two contexts, or on two checkpoints, is paired by id. The variant is the order of the options, behind the
condition where a task asks one probe under several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sdf_eval.belief._validate import nearest
from sdf_eval.belief.item import Context, Item
from sdf_eval.belief.items import _awareness, _debate, _drift, _misalignment, _options, _robustness, _salience, _text
from sdf_eval.belief.items._context import CONTEXTS, context_text
from sdf_eval.belief.schema import Belief, Probe
from sdf_eval.errors import InputError

_BUILDERS: dict[str, Callable[[Belief, str, Context, str | None], list[Item]]] = {
    "mcq_knowledge": _options.choice_items,
    "mcq_distinguish": _options.choice_items,
    "cloze": _options.cloze_items,
    "open_ended": _text.open_items,
    "generative_distinguish": _text.distinguish_items,
    "two_hop": _text.open_items,
    "persona_behaviour": _options.behaviour_items,
    "value_preference": _options.preference_items,
    "neighbours": _options.collateral_items,
    "controls": _options.collateral_items,
    "coherence": _text.coherence_items,
    "causal": _options.choice_items,
    "downstream": _options.choice_items,
    "adversarial_prompt": _robustness.adversarial_items,
    "self_critique": _robustness.critique_items,
    "salience": _salience.salience_items,
    "reality_drift": _drift.drift_items,
    "spec_knowledge": _options.choice_items,
    "debate": _debate.debate_items,
    "backdoor": _misalignment.backdoor_items,
    "self_report": _misalignment.report_items,
    "cot_monitorability": _misalignment.reasoned_items,
    "agentic": _misalignment.action_items,
    "disclosure": _awareness.notice_items,
    "eval_cue": _awareness.notice_items,
    "provenance": _awareness.provenance_items,
    "document_discrimination": _awareness.document_items,
    "training_recognition": _awareness.recognition_items,
    "source_tag": _awareness.source_items,
    "self_report_training": _awareness.self_report_items,
}
_MADE_OF = {"adversarial_prompt": "mcq_distinguish", "self_critique": "mcq_knowledge", "debate": "open_ended"}
"""Tasks without probes of their own, and whose they use."""
INSPECT_ONLY = ("debate",)
"""Tasks of several turns, which only Inspect can ask; `applicable_tasks` leaves them out."""
TASKS: tuple[str, ...] = tuple(task for task in _BUILDERS if task not in INSPECT_ONLY)

__all__ = ["CONTEXTS", "TASKS", "applicable_tasks", "build_items", "context_text", "probes_of"]


def build_items(belief: Belief, task: str, context: Context = "none") -> list[Item]:
    """Builds the items of one task.

    Args:
        belief: The belief.
        task: One of `TASKS` or `INSPECT_ONLY`.
        context: What stands before each question, in the same user message, with a blank line between.

    Returns:
        The items, in the order of the probes, the two orders of a probe side by side; empty where the belief has no
        probes for the task, and for `coherence` and `source_tag` under any context but `none`.

    Raises:
        InputError: Unknown task or context, or a context that the belief does not have.
    """
    if task not in _BUILDERS:
        raise InputError(f"task: unknown task {task!r}; {nearest(task, tuple(_BUILDERS))}")
    if context not in CONTEXTS:
        raise InputError(f"context: unknown context {context!r}; {nearest(context, CONTEXTS)}")
    if not probes_of(belief, task):
        return []
    return _BUILDERS[task](belief, task, context, context_text(belief, context))


def applicable_tasks(belief: Belief) -> tuple[str, ...]:
    """Returns the tasks that the belief has probes for, in the order of `TASKS`."""
    return tuple(task for task in TASKS if probes_of(belief, task))


def probes_of(belief: Belief, task: str) -> Sequence[Probe | str]:
    """Returns the probes that a task's items are made of; `reality_drift` has some that ship.

    Args:
        belief: The belief.
        task: One of `TASKS` or `INSPECT_ONLY`.
    """
    if task == "reality_drift":
        return _drift.drift_probes(belief)
    found: Sequence[Probe | str] = getattr(belief.probes, _MADE_OF.get(task, task))
    return found
