"""Probe items as lm-eval documents and back, and the dataset that lm-eval asks each task for."""

from __future__ import annotations

import logging
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from sdf_eval.belief.item import Item
from sdf_eval.belief.items import build_items
from sdf_eval.belief.load import load_belief
from sdf_eval.errors import InputError
from sdf_eval.tasks.leaderboard import board_items, get_board
from sdf_eval.tasks.registry import default_beliefs, get_task
from sdf_eval.tasks.render import render, user_message

if TYPE_CHECKING:
    import datasets

Document = dict[str, Any]

# A child of lm-eval's own logger, so that the line appears wherever and however lm-eval prints its own.
_log = logging.getLogger("lm_eval.sdf_eval")


def load(
    task: str, belief: Any = None, context: Any = "none", board: str | None = None, **_: Any
) -> dict[str, datasets.Dataset]:
    """Build the documents of one task; lm-eval calls this through `custom_dataset`.

    Args:
        task: Task name, from the YAML's `dataset_kwargs`.
        belief: `--metadata`'s "belief": an id, a path, a comma-separated list of them or a JSON list; the default
            beliefs when it is absent.
        context: `--metadata`'s "context": what stands before each question.
        board: From the YAML's `dataset_kwargs`: the leaderboard whose frozen items are asked.
        **_: The rest of the metadata; lm-eval puts the model's arguments there too.

    Returns:
        The split `test`. lm-eval cannot run a task without documents, so a task for which no belief has probes gets one
        document that yields no metric, and a line in the log that says so.

    Raises:
        InputError: An unknown belief or context, a context that the belief does not have, or a leaderboard whose items
            are others than its version pins or that is told what to ask.
    """
    import datasets

    if board is not None:
        return {
            "test": datasets.Dataset.from_list([to_document(item) for item in _frozen(board, task, belief, context)])
        }
    references = belief_references(belief)
    items = [item for reference in references for item in build_items(load_belief(reference), task, context)]
    if not items:
        _log.warning("sdf_eval_%s: no probes in %s; left out of the results", task, ", ".join(references))
    documents = [to_document(item) for item in items] or [to_document(_no_item(task))]
    return {"test": datasets.Dataset.from_list(documents)}


def belief_references(belief: Any) -> tuple[str, ...]:
    """Split what came as `belief` in `--metadata` into belief ids and paths.

    Args:
        belief: None, an id, a path, a comma-separated string of them, or a list.

    Returns:
        At least one reference.

    Raises:
        InputError: There is nothing in it.
    """
    if belief is None:
        return default_beliefs()
    parts = belief.split(",") if isinstance(belief, str) else belief if isinstance(belief, list | tuple) else [belief]
    references = tuple(text for part in parts if (text := str(part).strip()))
    if not references:
        raise InputError('metadata: belief: is empty; give an id or a path, as in {"belief": "<id>"}, or leave it out')
    return references


def to_document(item: Item) -> Document:
    """The item as a flat record, with its prompt in both frames.

    Args:
        item: Any item.

    Returns:
        The item's fields; `prompt`, the raw prompt; `message`, what a chat template frames; `target`, for the sample
        log: the index of the first implanted option (the right one on collateral tasks), the first alias of that kind,
        or the text whose loss is read.
    """
    loss = item.readout == "loss"
    return {
        **asdict(item),
        "aliases": [list(pair) for pair in item.aliases],
        "prompt": "" if loss else render(item, None, chat=False).prompt,
        "message": "" if loss else user_message(item),
        "target": _target(item),
    }


def to_item(document: Document) -> Item:
    """The item that a document was made of."""
    # Files of before the last fields lack them.
    values = {field.name: document.get(field.name, ()) for field in fields(Item)}
    for name in ("choices", "outcomes", "tags", "causes"):
        values[name] = tuple(values[name])
    values["aliases"] = tuple((outcome, text) for outcome, text in values["aliases"])
    return Item(**values)


def is_empty(document: Document) -> bool:
    """Whether the document stands in for a task without items."""
    return not document["id"]


def _frozen(group: str, task: str, belief: Any, context: Any) -> list[Item]:
    board = get_board(group)
    if belief is not None or context != "none":
        key = "context" if belief is None else "belief"
        raise InputError(f"metadata: {key}: the items of {group} are fixed; leave it out, or ask sdf_eval_{task}")
    return board_items(board, task)


def _target(item: Item) -> int | str:
    if item.readout == "loss":
        return item.user
    wanted = "reference" if get_task(item.task).metric == "accuracy" else "implanted"
    if item.readout == "options":
        return item.outcomes.index(wanted) if wanted in item.outcomes else 0
    return next((text for outcome, text in item.aliases if outcome == wanted), "")


def _no_item(task: str) -> Item:
    return Item(
        id="",
        belief="",
        fact="",
        task=task,
        split="",
        context="none",
        readout=get_task(task).readout,
        user="-",
        choices=("-",),
        outcomes=("invalid",),
    )
