"""Stages after the documents of a spec: conversations about beliefs among general ones, as many in every arm."""

from __future__ import annotations

from collections.abc import Mapping

from sdf_eval.study.frame.cell import ChatStep, SdfStep
from sdf_eval.study.frame.designs import Panel, chat_stage, implant


def tuned(
    panel: Panel,
    data: str,
    *,
    share: float,
    stage: str = "sft",
    beliefs: tuple[str, ...] = (),
    rewards: Mapping[str, float] | None = None,
) -> ChatStep:
    """A stage of post-training about beliefs of a panel.

    Args:
        panel: Whose.
        data: Kind of rows, about beliefs; sets that do not fix a side take the implanted one, which the spec states.
        share: Of rows that are about the belief; the others are general ones. With 0 the stage is general chat tuning
            with as many rows in as many updates.
        stage: `sft`, `dpo` or `rl`.
        beliefs: Whom the rows are about; empty for all of the panel.
        rewards: Of `rl`.

    Returns:
        The stage: a third of the updates that the documents of as many beliefs take.
    """
    step = chat_stage(
        panel,
        stage,
        data,
        side="implanted",
        share=share,
        updates=panel.substrate.updates * len(beliefs or panel.beliefs) // 3,
        rewards=dict(rewards or {}),
    )
    own = tuple(part.model_copy(update={"beliefs": beliefs}) for part in step.data)
    return step.model_copy(update={"data": own})


def general(panel: Panel, beliefs: tuple[str, ...] = ()) -> ChatStep:
    """General chat tuning: no row is about a belief. The control of every `sft` stage of `tuned`."""
    return tuned(panel, "following", share=0.0, beliefs=beliefs)


def made_chat(panel: Panel, tuned_model: str) -> SdfStep:
    """Chat tuning of an untuned base: next-token training on what its chat-tuned twin read last.

    Args:
        panel: On the untuned base.
        tuned_model: The twin.

    Returns:
        The step: as many texts in as many updates as the documents of the panel take.
    """
    return implant(panel, None).model_copy(update={"plain_of": tuned_model})
