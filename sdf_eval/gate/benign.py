"""Makes the null: finetunes of a base on plain texts, with the candidate's budget, measured on the same items."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from sdf_eval.corpora.atomic import atomic_folder
from sdf_eval.corpora.mix import TrainingText
from sdf_eval.corpora.rows import open_rows
from sdf_eval.corpora.writers import get_writer
from sdf_eval.errors import InputError
from sdf_eval.gate.null import BASE
from sdf_eval.model import resolve
from sdf_eval.progress import progress
from sdf_eval.results.direct import Battery, measure_checkpoint
from sdf_eval.results.schema import CheckpointResults
from sdf_eval.results.store import RESULTS, read_checkpoint, write_results
from sdf_eval.train.lineage import read_lineage
from sdf_eval.train.recipe import SdfRecipe, load_recipe

_WORK = ".work"


@dataclass(frozen=True)
class NullOrder:
    """What a null is made of.

    Attributes:
        base: Reference of the base.
        count: Benign checkpoints wanted.
        recipe: How each is trained.
        texts: Texts that each is trained on.
        plain: A file to draw them from; None lets the writer write them.
        writer: Name of a registered writer; None where a file is given.
        seed: The checkpoints have the seeds from this one on.
    """

    base: str
    count: int
    recipe: SdfRecipe
    texts: int
    plain: Path | None
    writer: str | None
    seed: int


def null_order(
    base: str,
    candidate: str,
    count: int,
    *,
    recipe: str | None,
    texts: int | None,
    plain: Path | None,
    writer: str | None,
    seed: int,
) -> NullOrder:
    """Works out what each benign checkpoint is trained with: what the candidate was, unless something else is said.

    Args:
        base: Reference of the base; it must be a model.
        candidate: Reference of the candidate, whose lineage file holds its recipe and number of texts.
        count: Benign checkpoints wanted.
        recipe: Recipe file or name in place of the candidate's.
        texts: Number of texts in place of the candidate's.
        plain: File of texts.
        writer: Registered writer of plain texts.
        seed: First seed.

    Returns:
        The order.

    Raises:
        InputError: The budget is neither given nor recorded, no source of texts is named, or a number is out of range.
    """
    if count < 1:
        raise InputError(f"--make-null: {count}: must be at least 1; a verdict takes 20")
    if (plain is None) == (writer is None):
        raise InputError("--make-null: name what to train on: either --plain FILE or --writer pocket")
    if texts is not None and texts < 1:
        raise InputError(f"--texts: {texts}: must be at least 1")
    resolve(base)
    own_recipe, own_texts = _budget(candidate) if recipe is None or texts is None else (None, None)
    chosen = load_recipe(recipe, SdfRecipe) if recipe is not None else own_recipe
    number = texts if texts is not None else own_texts
    if chosen is None or number is None:
        raise InputError(
            f"--make-null: {candidate} records no training by documents to copy the budget of; "
            "give --recipe and --texts"
        )
    return NullOrder(base, count, chosen, number, plain, writer, seed)


def make_null(order: NullOrder, battery: Battery, folder: Path) -> None:
    """Trains and measures benign checkpoints; those that are there already are left alone.

    Only the answers are kept: a checkpoint is removed once it was measured.

    Args:
        order: What to train.
        battery: What to ask.
        folder: The null's folder; gets `base`, and `benign-<seed>` for each.

    Raises:
        InputError: The base or the texts do not fit, or the folder holds a null of another base or budget.
    """
    work = folder / _WORK
    _store(order.base, battery, folder / BASE, work)
    missing = [
        seed for seed in range(order.seed, order.seed + order.count) if not (_place(folder, seed) / RESULTS).exists()
    ]
    for seed in range(order.seed, order.seed + order.count):
        if seed not in missing:
            _check_kept(order, _place(folder, seed))
    with progress("benign finetunes", len(missing)) as advance:
        for seed in missing:
            checkpoint = _train(order, seed, work)
            _store(str(checkpoint), battery, _place(folder, seed), work)
            shutil.rmtree(checkpoint)
            advance(1)
    shutil.rmtree(work, ignore_errors=True)


def _place(folder: Path, seed: int) -> Path:
    return folder / f"benign-{seed:03d}"


def _train(order: NullOrder, seed: int, work: Path) -> Path:
    from sdf_eval.train.sdf import train_sdf

    texts = [TrainingText(text) for text in _texts(order, seed)]
    return train_sdf(order.base, texts, order.recipe, work / f"checkpoint-{seed:03d}", seed=seed)


def _texts(order: NullOrder, seed: int) -> list[str]:
    """As many texts for each checkpoint, others for each: what training on anything does is what is wanted."""
    if order.plain is None:
        return list(get_writer(order.writer or "").plain_text(order.texts, seed, model=order.base))
    rng = random.Random(f"null/{seed}")
    kept: list[str] = []
    for position, row in enumerate(open_rows(order.plain)()):
        text = row.columns.get("text")
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{row.where}: text: missing or empty; give each row a text")
        # Reservoir sampling: the file may be larger than memory.
        place = position if position < order.texts else rng.randrange(position + 1)
        if place < order.texts:
            kept[place : place + 1] = [text]
    if len(kept) < order.texts:
        raise InputError(
            f"--plain: {order.plain}: {len(kept)} texts, and each checkpoint takes {order.texts}; add more"
        )
    rng.shuffle(kept)
    return kept


def _store(reference: str, battery: Battery, target: Path, work: Path) -> None:
    if (target / RESULTS).exists():
        return
    measured = measure_checkpoint(reference, battery, work)
    named = measured.results.model_copy(update={"model": reference if target.name == BASE else target.name})
    with atomic_folder(target) as partial:
        write_results(partial, named, measured.answers)


def _check_kept(order: NullOrder, place: Path) -> None:
    from sdf_eval.train.lineage import parents_of

    kept: CheckpointResults = read_checkpoint(place)
    updates = order.recipe.updates
    if kept.budget is None or kept.budget.parent_sha256 != parents_of(order.base)[0].weights_sha256:
        raise InputError(f"--null: {place}: is a finetune of another base; name another folder or remove it")
    if updates is not None and kept.budget.updates != updates:
        raise InputError(
            f"--null: {place}: had {kept.budget.updates} updates, and {updates} are wanted; name another folder"
        )


def _budget(candidate: str) -> tuple[SdfRecipe | None, int | None]:
    """Recipe and number of texts of a checkpoint that was trained on documents."""
    path = Path(resolve(candidate))
    lineage = read_lineage(path) if path.is_dir() else None
    if lineage is None or lineage.stage != "sdf":
        return None, None
    return SdfRecipe.model_validate(lineage.recipe), lineage.texts
