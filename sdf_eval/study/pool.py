"""Several runs as one: the same beliefs implanted into several bases, or panels of different beliefs into one base."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sdf_eval.errors import InputError
from sdf_eval.results.schema import Headline, ItemRecord, RunResults
from sdf_eval.results.store import read_items, read_results
from sdf_eval.study.headlines import headlines
from sdf_eval.study.pairs import Index


def pooled_records(folders: Sequence[Path]) -> list[ItemRecord]:
    """Reads the item records of several runs.

    Args:
        folders: Folders of runs. A base is told by the hash of its weights, not by its name. Bases are crossed with
            beliefs and are the random effect; seeds and panels of one base are averaged, since they replicate nothing.

    Returns:
        All records with their `base`, so that an item is only ever paired with itself on the same base.

    Raises:
        InputError: No folder, or a belief was run twice on one base.
    """
    if not folders:
        raise InputError("runs: none given; name at least one folder of a run")
    seen: dict[tuple[str, str], Path] = {}
    records = []
    for folder in folders:
        results = read_results(folder)
        base = _base(folder, results)
        for belief in results.beliefs:
            if (base, belief.id) in seen:
                other = seen[base, belief.id]
                raise InputError(f"{folder}: {belief.id} on {results.settings.model} is also in {other}; leave one out")
            seen[base, belief.id] = folder
        records += [record.model_copy(update={"base": base}) for record in read_items(folder, results)]
    return records


def pooled_headlines(folders: Sequence[Path], *, seed: int = 0) -> tuple[Headline, ...]:
    """Computes the headlines over several runs; see `pooled_records` and `sdf_eval.study.headlines`."""
    return headlines(Index(pooled_records(folders)), seed=seed)


def _base(folder: Path, results: RunResults) -> str:
    hashes = {training.parent_sha256 for training in results.training}
    if len(hashes) != 1:
        raise InputError(f"{folder}: its checkpoints come from {len(hashes)} bases; pool runs that have one base each")
    return hashes.pop()
