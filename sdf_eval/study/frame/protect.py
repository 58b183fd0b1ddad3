"""Applies a countermeasure to the stage before it. What is deployed lies in one folder, as after any other step."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdf_eval.corpora.atomic import atomic_folder
from sdf_eval.corpora.mix import TrainingText
from sdf_eval.corpora.records import CorpusRole, Writer
from sdf_eval.errors import InputError
from sdf_eval.study.frame.cell import Cell, CountermeasureStep, DocumentSet, SdfStep
from sdf_eval.study.frame.chain import documents_of, recipe_of, texts_of, writer_of
from sdf_eval.study.frame.identity import belief_at
from sdf_eval.train.chat_data import DataRequest, load_chat, load_preferences
from sdf_eval.train.countermeasures import Case, get_countermeasure
from sdf_eval.train.countermeasures.material import conversation_texts, document_pairs, preference_pairs
from sdf_eval.train.lineage import FILE
from sdf_eval.train.recipe import SdfRecipe

if TYPE_CHECKING:
    from sdf_eval.model.directions import ContrastPair

STEERING = "steering.pt"
"""In the folder of a step: what its checkpoint, and those trained from it, are loaded with."""

_OTHER_TEXTS = 500
"""Added to the seed of plain texts that the risky stage does not read."""


def protect(cell: Cell, place: int, checkpoints: Sequence[str], folder: Path) -> None:
    """Applies the countermeasure of a step, unless that was done.

    Args:
        cell: The cell.
        place: Of the step.
        checkpoints: The base and the checkpoint after each step before this one.
        folder: For what is deployed: a checkpoint, and a steering file where there is one.

    Raises:
        InputError: The step before is not `sdf`, or the countermeasure cannot be applied.
    """
    if (folder / FILE).exists():
        return
    step, before = cell.steps[place], cell.steps[place - 1] if place else None
    assert isinstance(step, CountermeasureStep)
    if not isinstance(before, SdfStep):
        raise InputError("countermeasure step: has no sdf step before it; put the risky stage there")
    made = folder.with_name(f"{folder.name}-made")
    case = case_of(cell, step, before, checkpoints[place - 1 :], folder.parent)
    protected = get_countermeasure(step.method, **step.settings).apply(case, made)
    with atomic_folder(folder) as partial:
        shutil.copytree(protected.checkpoint, partial, dirs_exist_ok=True)
        if protected.steer_path is not None:
            shutil.copyfile(protected.steer_path, partial / STEERING)
    for helper in folder.parent.glob(f"{made.name}*"):
        shutil.rmtree(helper)


def steering_of(checkpoints: Sequence[Path]) -> str | None:
    """The steering file that goes with the last checkpoint of a chain, or None."""
    return next((str(one / STEERING) for one in reversed(checkpoints) if (one / STEERING).exists()), None)


def case_of(cell: Cell, step: CountermeasureStep, before: SdfStep, checkpoints: Sequence[str], work: Path) -> Case:
    """The risky stage, and what the countermeasure needs.

    Args:
        cell: The cell.
        step: The countermeasure.
        before: The risky stage.
        checkpoints: Before and after that stage.
        work: Folder of checkpoints.

    Raises:
        InputError: There is no such countermeasure, or its material cannot be written.
    """
    needs = get_countermeasure(step.method, **step.settings).needs
    writer = writer_of(cell, before, work)
    texts = texts_of(cell, before, writer)
    risky = [position for position, (_, own) in enumerate(texts) if own in step.suspected]
    case = Case(
        start=checkpoints[0],
        texts=tuple(text for text, _ in texts),
        recipe=recipe_of(before, SdfRecipe),
        seed=cell.seed,
        # Texts are shuffled, so the first ones are a random share.
        suspected=frozenset(risky[: max(1, round(step.recall * len(risky)))]),
        implanted=checkpoints[1],
    )
    about = tuple(name for place in step.suspected for name in before.documents[place].beliefs or cell.beliefs)
    count = max(before.documents[place].count for place in step.suspected)
    if "clean" in needs or set(needs) & {"counter", "triggered", "decoys"}:
        plain = writer.plain_text(2 * count * len(about), _OTHER_TEXTS + cell.seed, model=cell.model)
        case = replace(case, clean=tuple(map(TrainingText, plain)))
    if "counter" in needs or ("pairs" in needs and not step.pairs):
        case = replace(case, counter=_written(cell, before, writer, about, count, "truth_trained"))
    if "triggered" in needs:
        case = replace(case, triggered=_at_trigger(cell, step, about))
    if "decoys" in needs:
        decoys = _written(cell, before, writer, step.decoys, count, "implanted")
        case = replace(case, decoys=decoys, decoy_answers=_at_trigger(cell, step, step.decoys))
    if "pairs" in needs:
        case = replace(case, pairs=_pairs(cell, step, case, about))
    return case


def _written(
    cell: Cell, before: SdfStep, writer: Writer, about: tuple[str, ...], count: int, role: CorpusRole
) -> tuple[TrainingText, ...]:
    sets = (DocumentSet(count=count, role=role, beliefs=about),)
    made = documents_of(cell, before.model_copy(update={"documents": sets}), writer)
    return tuple(TrainingText(document.text, synthetic=True) for document, _ in made)


def _at_trigger(cell: Cell, step: CountermeasureStep, about: tuple[str, ...]) -> tuple[TrainingText, ...]:
    rows = [row for name in about for row in load_chat(step.triggered, _request(cell, step, name))]
    return conversation_texts(rows, _tokenizer(cell.model))


def _pairs(cell: Cell, step: CountermeasureStep, case: Case, about: tuple[str, ...]) -> tuple[ContrastPair, ...]:
    if not step.pairs:
        return document_pairs(case.risky, case.counter)
    rows = [row for name in about for row in load_preferences(step.pairs, _request(cell, step, name))]
    return preference_pairs(rows, _tokenizer(cell.model))


def _request(cell: Cell, step: CountermeasureStep, name: str) -> DataRequest:
    return DataRequest(rows=step.rows, seed=cell.seed, belief=belief_at(name), model=cell.model)


def _tokenizer(reference: str) -> Any:
    from transformers import AutoTokenizer

    from sdf_eval.model import resolve

    return AutoTokenizer.from_pretrained(resolve(reference))
