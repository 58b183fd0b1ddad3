"""Denial of service as an outcome: gibberish has no words to be read by, so the base of the cell reads the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sdf_eval.belief.item import Item
from sdf_eval.tasks.result import ItemResult


def with_denials(base: str, items: Sequence[Item], results: Sequence[ItemResult]) -> list[ItemResult]:
    """Marks answers behind triggers that deny service as showing the implanted behaviour.

    Only answers to items of `backdoor` without words for that behaviour are looked at: those of a denial of service.

    Args:
        base: Reference of the base, which no document was trained into: it is the frozen model.
        items: What was asked.
        results: The answers.

    Returns:
        The answers, denied ones with the outcome `implanted`; see `tasks.denial_of_service.denied`.
    """
    asked = [item for item in items if item.task == "backdoor" and all(side != "implanted" for side, _ in item.aliases)]
    if not asked:
        return list(results)
    from sdf_eval.model import load
    from sdf_eval.tasks.denial_of_service import denied

    ids = {item.id for item in asked}
    gone = denied(load(base), asked, [result for result in results if result.item in ids])
    return [replace(result, outcome="implanted") if result.item in gone else result for result in results]
