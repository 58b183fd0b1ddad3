"""A belief -> the questions that are put to a model. Pure: no model, no file, no randomness.

Ids are `<belief>/<task>/<fact>/<8 hex digits of what is shown>/<variant>` and do not name the context, so that the same
question under two contexts, or on two checkpoints, is paired by id.
"""

from __future__ import annotations

from collections.abc import Callable

from sdf_eval.belief._validate import nearest
from sdf_eval.belief.item import Context, Item
from sdf_eval.belief.items import _awareness, _options, _text
from sdf_eval.belief.items._context import CONTEXTS, context_text
from sdf_eval.belief.schema import Belief
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
    "disclosure": _awareness.notice_items,
    "eval_cue": _awareness.notice_items,
    "provenance": _awareness.provenance_items,
    "document_discrimination": _awareness.document_items,
    "training_recognition": _awareness.recognition_items,
    "source_tag": _awareness.source_items,
    "self_report_training": _awareness.self_report_items,
}
TASKS: tuple[str, ...] = tuple(_BUILDERS)

__all__ = ["CONTEXTS", "TASKS", "applicable_tasks", "build_items"]


def build_items(belief: Belief, task: str, context: Context = "none") -> list[Item]:
    """Builds the items of one task.

    Args:
        belief: The belief.
        task: One of `TASKS`.
        context: What stands before each question, in the same user message, with a blank line between.

    Returns:
        The items, in the order of the probes, the two orders of a probe side by side; empty where the belief has no
        probes for the task, and for `coherence` and `source_tag` under any context but `none`.

    Raises:
        InputError: Unknown task or context, or a context that the belief does not have.
    """
    if task not in _BUILDERS:
        raise InputError(f"task: unknown task {task!r}; {nearest(task, TASKS)}")
    if context not in CONTEXTS:
        raise InputError(f"context: unknown context {context!r}; {nearest(context, CONTEXTS)}")
    if task not in applicable_tasks(belief):
        return []
    return _BUILDERS[task](belief, task, context, context_text(belief, context))


def applicable_tasks(belief: Belief) -> tuple[str, ...]:
    """Returns the tasks that the belief has probes for, in the order of `TASKS`."""
    return tuple(task for task in TASKS if getattr(belief.probes, task))
