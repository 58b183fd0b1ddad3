"""Items as Inspect samples and back, so that a stored log can be scored again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inspect_ai.dataset import Sample
from inspect_ai.scorer import Target

from sdf_eval.belief.item import Item
from sdf_eval.tasks.registry import get_task

_KEPT = ("belief", "fact", "task", "split", "context", "readout", "completion", "outcomes", "aliases", "tags", "causes")


def item_to_sample(item: Item) -> Sample:
    """An item as a sample.

    Args:
        item: Any item.

    Returns:
        A sample with the item's id, its user message as the input, its options as choices, the wanted answer as the
        target (letters of the implanted options; of the right ones in collateral tasks), and the rest as metadata, with
        `cluster`, the fact that standard errors are clustered by.
    """
    metadata = {name: getattr(item, name) for name in _KEPT}
    metadata["cluster"] = f"{item.belief}/{item.fact or item.id}"
    return Sample(
        id=item.id,
        input=item.user,
        choices=list(item.choices) or None,
        target=_target(item).text if item.readout in ("generation", "reasoning") else list(_target(item)),
        metadata=metadata,
    )


def sample_to_item(sample_id: str, user: str, choices: tuple[str, ...], metadata: Mapping[str, Any]) -> Item:
    """The item that a sample was made of.

    Args:
        sample_id: The sample's id.
        user: Its input.
        choices: Its choices.
        metadata: Its metadata, also as a log gives them back.
    """
    return Item(
        id=sample_id,
        belief=metadata["belief"],
        fact=metadata["fact"],
        task=metadata["task"],
        split=metadata["split"],
        context=metadata["context"],
        readout=metadata["readout"],
        user=user,
        completion=metadata["completion"],
        choices=choices,
        outcomes=tuple(metadata["outcomes"]),
        aliases=tuple((outcome, alias) for outcome, alias in metadata["aliases"]),
        tags=tuple(metadata["tags"]),
        causes=tuple(metadata.get("causes", ())),
    )


def letter(index: int) -> str:
    """The letter of an option: A for the first."""
    return chr(ord("A") + index)


def _target(item: Item) -> Target:
    wanted = "reference" if get_task(item.task).metric == "accuracy" else "implanted"
    if item.readout == "options":
        return Target([letter(index) for index, outcome in enumerate(item.outcomes) if outcome == wanted])
    if item.readout in ("generation", "reasoning"):
        return Target([next((alias for outcome, alias in item.aliases if outcome == wanted), "")])
    return Target([""])
