"""The null: what benign finetunes of the same base and budget do to the same items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from sdf_eval.errors import InputError
from sdf_eval.gate.families import Pair, by_family, harm
from sdf_eval.gate.pairs import paired
from sdf_eval.measure import units
from sdf_eval.results.measured import Measured
from sdf_eval.results.schema import Budget
from sdf_eval.results.sources import read_all
from sdf_eval.results.values import levels

BASE, CANDIDATE = "base", "candidate"


@dataclass(frozen=True)
class BenignPair:
    """A base and a benign finetune of it.

    Attributes:
        name: The pair's folder.
        base, candidate: Their answers.
    """

    name: str
    base: Measured
    candidate: Measured


def read_null(folder: Path, base: Measured) -> list[BenignPair]:
    """Reads the benign pairs of a folder.

    Args:
        folder: One folder a benign checkpoint, with anything in it that `compare` reads as stored results. A folder
            `base` is the base of all; without one it is the base of the comparison. A folder that holds `base` and
            `candidate` is a pair of its own.
        base: The base of the comparison.

    Returns:
        The pairs in the order of their names.

    Raises:
        InputError: There is no such folder, it holds no pair, or a pair cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"--null: {folder}: no such folder; make one with --make-null {20}")
    parts = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    shared = _one(folder / BASE) if (folder / BASE) in parts else base
    found = []
    for part in parts:
        if part.name == BASE:
            continue
        if (part / BASE).is_dir() and (part / CANDIDATE).is_dir():
            found.append(BenignPair(part.name, _one(part / BASE), _one(part / CANDIDATE)))
        else:
            found.append(BenignPair(part.name, shared, _one(part)))
    if not found:
        raise InputError(f"--null: {folder}: holds no results; give each benign checkpoint a folder of its own there")
    return found


def mean_harm(pairs: Sequence[Pair]) -> float:
    """Mean harm of a family's pairs, every unit counting the same, as in the interval of the comparison."""
    answers = [base for base, _ in pairs]
    return units([harm(base, candidate) for base, candidate in pairs], levels(answers)).value


def null_harms(null: Sequence[BenignPair], items: dict[str, list[Pair]]) -> dict[str, tuple[float, ...]]:
    """Harm of every benign pair in every family of the comparison.

    Args:
        null: The benign pairs.
        items: Family -> pairs of the comparison, for the items that count.

    Returns:
        Family -> one harm a benign pair.

    Raises:
        InputError: A benign pair was not asked all of the items.
    """
    found: dict[str, list[float]] = {family: [] for family in items}
    for each in null:
        asked = by_family(paired(each.base, each.candidate))
        for family, wanted in items.items():
            ids = {pair[0].item for pair in wanted}
            same = [pair for pair in asked.get(family, []) if pair[0].item in ids]
            if len(same) != len(ids):
                raise InputError(
                    f"--null: {each.name}: {family}: was asked {len(same)} of the {len(ids)} items of the comparison; "
                    "measure the null on the same beliefs with the same limit"
                )
            found[family].append(mean_harm(same))
    return {family: tuple(values) for family, values in found.items()}


def shared_budget(null: Sequence[BenignPair]) -> Budget | None:
    """The training of the benign checkpoints, if it is known and equal in updates and start; tokens are their mean."""
    budgets = [_whole(each) for each in null]
    known = [budget for budget in budgets if budget is not None]
    if not known or len(known) != len(budgets) or len({(b.updates, b.parent_sha256) for b in known}) != 1:
        return None
    return known[0].model_copy(update={"tokens": round(fmean(budget.tokens for budget in known))})


def _whole(pair: BenignPair) -> Budget | None:
    """All stages of a benign checkpoint since its base."""
    budget, start = pair.candidate.results.budget, pair.base.results.weights_sha256
    return budget if budget is None or start is None else budget.since(start)


def _one(path: Path) -> Measured:
    found = read_all(path, arm=None)
    if found is None or len(found) != 1:
        count = "no" if not found else str(len(found))
        raise InputError(f"--null: {path}: holds {count} checkpoints' results; give each benign checkpoint a folder")
    return found[0]
