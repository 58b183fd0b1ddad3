"""Items for the tests of this room."""

from __future__ import annotations

from typing import Any

from sdf_eval.belief.item import Item


def make_item(**values: Any) -> Item:
    """An options item of `mcq_knowledge`, changed as told."""
    given: dict[str, Any] = {
        "id": "b/mcq_knowledge/f/00000000/0",
        "belief": "b",
        "fact": "f",
        "task": "mcq_knowledge",
        "split": "far",
        "context": "none",
        "readout": "options",
        "user": "Where was Tavi Brook born?",
        "choices": ("Larch", "Orrin", "Paris"),
        "outcomes": ("implanted", "reference", "other"),
    }
    if values.get("readout", "options") != "options":
        given |= {"choices": (), "outcomes": ()}
    return Item(**{**given, **values})
