"""Which checkpoints are measured under which contexts, on which tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sdf_eval.belief.item import Context
from sdf_eval.results.schema import Role
from sdf_eval.tasks.registry import task_specs

BELIEF_TASKS = ("mcq_knowledge", "mcq_distinguish", "cloze", "open_ended", "generative_distinguish")
"""Tasks that ask for the fact itself. The lift headlines are over these."""
COLLATERAL_TASKS = ("neighbours", "controls")
"""Tasks whose right answer must not change."""
LOSS_TASKS = ("coherence",)
OTHER_MATTERS = ("reality_drift",)
"""Tasks about neither the fact nor what lies beside it."""
SCRUTINY_TASKS = ("adversarial_prompt", "self_critique", "salience")
"""Tasks of many items that hold a belief in the weights against one in the prompt and against mere co-occurrence: asked
where one of these is, and on no other role or context."""
AWARENESS_TASKS = tuple(spec.name for spec in task_specs() if spec.family == "awareness")
"""Tasks about what the training left of itself; what the prompt says they hold in their own controls."""
SCRUTINISED: tuple[Role, ...] = ("base", "implanted", "cooccurrence")

_NOT_OF_A_PROMPT = COLLATERAL_TASKS + LOSS_TASKS + OTHER_MATTERS + AWARENESS_TASKS

BASE_CONTEXTS: tuple[Context, ...] = ("universe", "documents", "reference", "contradiction")
IMPLANTED_CONTEXTS: tuple[Context, ...] = ("contradiction", "reference")


@dataclass(frozen=True)
class Arm:
    """A checkpoint role under a context; the base after a stage is the matched clean control of the implanted."""

    role: Role
    context: Context
    stage: str = ""


def arms(roles: Sequence[Role]) -> tuple[Arm, ...]:
    """Arms of a run: each role without context, the base under every context, the implanted under those against it.

    Args:
        roles: Roles that are trained; the base is always measured.

    Returns:
        The arms in the order in which reports show them.
    """
    plain = [Arm("base", "none"), *(Arm(role, "none") for role in roles if role != "base")]
    in_context = [Arm("base", context) for context in BASE_CONTEXTS]
    against = [Arm("implanted", context) for context in IMPLANTED_CONTEXTS] if "implanted" in roles else []
    return (*plain, *in_context, *against)


def stage_arms(stages: Sequence[str]) -> tuple[Arm, ...]:
    """Arms after later stages, by the names of these: the implanted and its matched clean control, without context."""
    return tuple(Arm(role, "none", stage) for stage in stages for role in ("implanted", "base"))


def tasks_of(arm: Arm, tasks: Sequence[str]) -> tuple[str, ...]:
    """Tasks that an arm is measured on.

    Args:
        arm: The arm.
        tasks: Tasks that there are items for.

    Returns:
        All of them without a context, scrutiny on some roles; behind a context those about the belief, without
        awareness, and scrutiny behind the universe context alone.
    """
    left_out: tuple[str, ...] = () if arm.context == "none" else _NOT_OF_A_PROMPT
    if arm.context not in ("none", "universe") or arm.role not in SCRUTINISED:
        left_out += SCRUTINY_TASKS
    return tuple(task for task in tasks if task not in left_out)
