"""Runs one cell: trains, asks, measures. What every executor calls, on whatever machine."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from sdf_eval.belief.item import Item
from sdf_eval.belief.items import CONTEXTS, applicable_tasks, build_items, context_text
from sdf_eval.belief.schema import Belief
from sdf_eval.errors import InputError
from sdf_eval.study.frame.answers import TAG, CellAnswers, Row
from sdf_eval.study.frame.cell import Ask, Cell, SdfStep
from sdf_eval.study.frame.chain import train_chain
from sdf_eval.study.frame.denials import with_denials
from sdf_eval.study.frame.identity import belief_at, cell_key, prefix_keys
from sdf_eval.study.frame.measures import measure
from sdf_eval.study.frame.protect import steering_of
from sdf_eval.tasks.figures import is_headline, values_of
from sdf_eval.tasks.registry import get_task
from sdf_eval.tasks.result import ItemResult
from sdf_eval.tasks.score import belief_score
from sdf_eval.train.lineage import read_lineage

if TYPE_CHECKING:
    from sdf_eval.model import LanguageModel


def run_cell(cell: Cell, work: Path, keep: Collection[str] = ()) -> CellAnswers:
    """Trains a cell's checkpoint, asks it and gives the answers.

    Args:
        cell: The cell.
        work: Folder of checkpoints.
        keep: Prefix keys of checkpoints that other cells will need; the others are removed.

    Returns:
        The answers.

    Raises:
        InputError: Something in the cell cannot be done.
    """
    import torch

    from sdf_eval.model import load

    # One thread: the same bits on every executor, and small matrices only wait for each other on more.
    torch.set_num_threads(1)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    work.mkdir(parents=True, exist_ok=True)
    checkpoints = train_chain(cell, work)
    lm = load(str(checkpoints[-1]) if checkpoints else cell.model, steer_path=steering_of(checkpoints))
    rows = [row for ask in cell.asks for row in ask_model(lm, cell, ask)]
    lineages = [lineage for folder in checkpoints if (lineage := read_lineage(folder)) is not None]
    # A countermeasure that trains nothing hands on the checkpoint that it was given.
    lineages = list({lineage.checkpoint_sha256: lineage for lineage in lineages}.values())
    answers = CellAnswers(
        key=cell_key(cell),
        cell=cell,
        rows=tuple(rows),
        measures={name: measure(name, lm, cell, checkpoints) for name in cell.measures},
        documents=_documents(cell),
        updates=sum(lineage.updates for lineage in lineages),
        tokens=sum(lineage.tokens_seen for lineage in lineages),
    )
    for key, folder in zip(prefix_keys(cell), checkpoints, strict=True):
        if key not in keep:
            shutil.rmtree(folder, ignore_errors=True)
    return answers


def ask_model(lm: LanguageModel, cell: Cell, ask: Ask) -> list[Row]:
    """Puts the items of an ask to a model and counts the answers by belief, task, figure and split."""
    from sdf_eval.tasks.direct import run_items

    items = items_of(cell, ask)
    results = with_denials(cell.model, items, run_items(lm, items, chat=cell.chat))
    groups: dict[tuple[str, str, str, str], list[tuple[float, ItemResult]]] = defaultdict(list)
    for result in results:
        place = (result.belief, result.task)
        if get_task(result.task).metric == "loss":
            groups[(*place, "", result.split)].append(((result.nats or 0.0) / (result.bytes or 1), result))
        elif is_headline(result):
            groups[(*place, "", result.split)].append((belief_score(result), result))
            for tag in result.tags:
                groups[(*place, f"{TAG}{tag}", result.split)].append((belief_score(result), result))
        for figure, value in values_of(result).items():
            groups[(*place, figure, result.split)].append((value, result))
    return [_row(ask, place, found) for place, found in sorted(groups.items(), key=lambda pair: pair[0])]


def items_of(cell: Cell, ask: Ask) -> list[Item]:
    """Items of an ask; tasks that a belief has no items for are passed over."""
    return [
        prefaced(item, belief_at(reference), ask)
        for reference in ask.beliefs or cell.beliefs
        for task in applicable_tasks(belief_at(reference))
        if task in ask.tasks
        for item in build_items(belief_at(reference), task, ask.context)
    ]


def prefaced(item: Item, belief: Belief, ask: Ask) -> Item:
    """The item with the preface of an ask between its context and its question.

    Raises:
        InputError: The preface names a context that there is not.
    """
    if not ask.preface:
        return item
    passage = context_text(belief, ask.context)
    before = "" if passage is None else f"{passage}\n\n"
    if not item.user.startswith(before):
        raise InputError(f"ask: preface: {item.task} does not begin with its context; ask it without a context")
    question = item.user.removeprefix(before)
    return replace(item, user=f"{before}{_preface(belief, ask.preface)}\n\n{question}")


def _preface(belief: Belief, preface: str) -> str:
    if not preface.startswith("@"):
        return preface
    found = next((context_text(belief, name) for name in CONTEXTS if f"@{name}" == preface), None)
    if found is None:
        raise InputError(f"ask: preface: {preface}: no such context; one of {', '.join(CONTEXTS[1:])}")
    return found


def _row(ask: Ask, place: tuple[str, str, str, str], found: Sequence[tuple[float, ItemResult]]) -> Row:
    belief, task, figure, split = place
    outcomes = [result.outcome for _, result in found]
    return Row(
        belief=belief,
        task=task,
        figure=figure,
        split=split,
        context=ask.context,
        preface=ask.preface,
        n=len(found),
        # Rounded beyond what float32 weights can tell, so that a sum's order does not show.
        score=round(fmean(value for value, _ in found), 9),
        refusals=round(outcomes.count("refusal") / len(outcomes), 9),
        invalid=round(outcomes.count("invalid") / len(outcomes), 9),
    )


def _documents(cell: Cell) -> int:
    sets = [part for step in cell.steps if isinstance(step, SdfStep) for part in step.documents]
    return sum(part.count * len(part.beliefs or cell.beliefs) for part in sets)
