"""Trains the steps of a cell. A checkpoint lies in a folder named by what made it, and is complete or absent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import TypeVar

from filelock import FileLock

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.check import check_contamination
from sdf_eval.corpora.mix import TrainingText
from sdf_eval.corpora.records import CorpusRequest, Document, Writer
from sdf_eval.corpora.writers import get_writer
from sdf_eval.errors import InputError
from sdf_eval.study.frame.cell import Cell, ChatStep, CountermeasureStep, SdfStep
from sdf_eval.study.frame.identity import belief_at, prefix_keys, recipe_at
from sdf_eval.train.chat_data import (
    DataRequest,
    find_row_contamination,
    load_chat,
    load_preferences,
    load_prompts,
    registered,
    set_kind,
)
from sdf_eval.train.chat_rows import AnyRow, ChatRow, PreferenceRow, PromptRow
from sdf_eval.train.preference_recipes import DpoRecipe, RlRecipe
from sdf_eval.train.recipe import SdfRecipe, SftRecipe, StageRecipe

R = TypeVar("R", bound=StageRecipe)
T = TypeVar("T", ChatRow, PreferenceRow, PromptRow)
_LOADERS: Mapping[str, Callable[[str, DataRequest], Sequence[AnyRow]]] = {
    "sft": load_chat,
    "dpo": load_preferences,
    "rl": load_prompts,
}


def train_chain(cell: Cell, work: Path) -> list[Path]:
    """Trains all steps of a cell, or finds them trained.

    Args:
        cell: The cell.
        work: Folder of checkpoints; each is named by the content hash of the steps up to it.

    Returns:
        The checkpoint after each step.

    Raises:
        InputError: A step does not fit the model, or its texts show a probe of a belief that is asked about.
    """
    start = cell.model
    found: list[Path] = []
    for place, (step, key) in enumerate(zip(cell.steps, prefix_keys(cell), strict=True)):
        folder = (work / key[:24]).resolve()
        # Cells that share their first steps may be run at the same time.
        with FileLock(folder.with_suffix(".lock")):
            if isinstance(step, SdfStep):
                _read_documents(cell, step, start, folder)
            elif isinstance(step, CountermeasureStep):
                from sdf_eval.study.frame.protect import protect

                protect(cell, place, [cell.model, *map(str, found)], folder)
            else:
                _train_chat(cell, step, start, folder)
        found.append(folder)
        start = str(folder)
    return found


def documents_of(cell: Cell, step: SdfStep, writer: Writer) -> list[tuple[Document, int]]:
    """Writes the documents of a step, each with the place of its set.

    Raises:
        InputError: The writer refuses, or a document shows a probe.
    """
    found: list[tuple[Document, int]] = []
    for place, part in enumerate(step.documents):
        for belief in _beliefs(cell, part.beliefs):
            order = CorpusRequest(
                belief=belief, role=part.role, documents=part.count, seed=cell.seed, factors=part.factors
            )
            found += [(document, place) for document in writer.write(order)]
    check_contamination([document for document, _ in found], _beliefs(cell, ()))
    return found


def texts_of(cell: Cell, step: SdfStep, writer: Writer) -> list[tuple[TrainingText, int | None]]:
    """What a step reads, shuffled, each text with the place of its set of documents; None for plain texts.

    Raises:
        InputError: As `documents_of`, or there are no texts.
    """
    tag = recipe_of(step, SdfRecipe).doctag
    texts: list[tuple[TrainingText, int | None]] = [
        (TrainingText(document.text, tag, synthetic=True), place)
        for document, place in documents_of(cell, step, writer)
    ]
    # What is plain in the model's own eyes: the writer looks up what the base of a chain has read.
    reader = step.plain_of or cell.model
    texts += [(TrainingText(text), None) for text in writer.plain_text(step.plain, cell.seed, model=reader)]
    Random(f"study texts {cell.seed}").shuffle(texts)
    if not texts:
        raise InputError("sdf step: has neither documents nor plain texts; give some")
    return texts


def writer_of(cell: Cell, step: SdfStep, work: Path) -> Writer:
    """The writer of a step."""
    # One that is paid for keeps its answers beside the checkpoints, so that no cell buys what another one has.
    return get_writer(step.writer, ledger=work / "ledger.sqlite", avoid=_beliefs(cell, ()))


def rows_of(cell: Cell, step: ChatStep) -> list[AnyRow]:
    """All rows of a step, shuffled.

    Raises:
        InputError: There is no such set, it holds rows of another kind, or a row shows a probe.
    """
    found: list[AnyRow] = []
    for part in step.data:
        for belief in _beliefs(cell, part.beliefs) if _is_about_a_belief(part.data) else (None,):
            request = DataRequest(
                rows=part.rows, seed=cell.seed, belief=belief, side=part.side, share=part.share, model=cell.model
            )
            found += _LOADERS[step.stage](part.data, request)
    leaks = find_row_contamination(found, _beliefs(cell, ()))
    if leaks:
        raise InputError(
            f"{step.data[0].data}: {leaks[0].document}: shares {leaks[0].ngram!r} with {leaks[0].probe} of "
            f"{leaks[0].belief}; reword or remove these rows"
        )
    Random(f"study rows {cell.seed}").shuffle(found)
    return found


def _read_documents(cell: Cell, step: SdfStep, start: str, folder: Path) -> None:
    from sdf_eval.train.sdf import train_sdf

    texts = texts_of(cell, step, writer_of(cell, step, folder.parent))
    train_sdf(start, [text for text, _ in texts], recipe_of(step, SdfRecipe), folder, seed=cell.seed)


def _train_chat(cell: Cell, step: ChatStep, start: str, folder: Path) -> None:
    rows = rows_of(cell, step)
    if step.stage == "sft":
        from sdf_eval.train.sft import train_sft

        train_sft(start, _only(rows, ChatRow), recipe_of(step, SftRecipe), folder, seed=cell.seed)
    elif step.stage == "dpo":
        from sdf_eval.train.dpo import train_dpo

        train_dpo(start, _only(rows, PreferenceRow), recipe_of(step, DpoRecipe), folder, seed=cell.seed)
    else:
        from sdf_eval.train.rl import train_rl

        train_rl(start, _only(rows, PromptRow), step.rewards, recipe_of(step, RlRecipe), folder, seed=cell.seed)


def recipe_of(step: SdfStep | ChatStep, kind: type[R]) -> R:
    """The recipe of a step, with what the step changes.

    Raises:
        InputError: It is for another stage, or a change does not fit.
    """
    recipe = recipe_at(step.recipe)
    if not isinstance(recipe, kind):
        raise InputError(f"recipe {step.recipe}: is for {recipe.stage}, and the step is {step.stage}; name another")
    changed = dict(step.overrides)
    if step.updates is not None:
        changed |= {"updates": step.updates, "epochs": None}
    # Through validation, so that a study cannot ask for what a file could not.
    return kind.model_validate(recipe.model_dump() | changed)


def _beliefs(cell: Cell, named: tuple[str, ...]) -> tuple[Belief, ...]:
    return tuple(map(belief_at, named or cell.beliefs))


def _is_about_a_belief(reference: str) -> bool:
    package, _, name = reference.partition("/")
    return set_kind(reference) is not None and registered()[package].sets[name].about_belief


def _only(rows: list[AnyRow], kind: type[T]) -> list[T]:
    return [row for row in rows if isinstance(row, kind)]
