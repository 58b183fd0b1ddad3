"""Several runs as one: the same beliefs implanted into several bases, or panels of different beliefs into one base."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sdf_eval.errors import InputError
from sdf_eval.reports.results import Headline, ItemRecord, read_items, read_results
from sdf_eval.study.headlines import headlines
from sdf_eval.study.pairs import Index


def pooled_records(folders: Sequence[Path]) -> list[ItemRecord]:
    """Reads the item records of several runs.

    Args:
        folders: Folders of runs. Runs of one base make one training run of the pool; different bases are different
            runs, since a base is a random effect.

    Returns:
        All records. Items and training runs carry the base's name, so that an item is only ever paired with itself on
        the same base.

    Raises:
        InputError: No folder, or a belief was run twice on one base.
    """
    if not folders:
        raise InputError("runs: none given; name at least one folder of a run")
    seen: dict[tuple[str, str], Path] = {}
    records = []
    for folder in folders:
        results = read_results(folder)
        base = results.settings.model
        for belief in results.beliefs:
            if (base, belief.id) in seen:
                raise InputError(f"{folder}: {belief.id} on {base} is also in {seen[base, belief.id]}; leave one out")
            seen[base, belief.id] = folder
        records += [_of_base(record, base) for record in read_items(folder, results)]
    return records


def pooled_headlines(folders: Sequence[Path], *, seed: int = 0) -> tuple[Headline, ...]:
    """Computes the headlines over several runs; see `pooled_records` and `sdf_eval.study.headlines`."""
    return headlines(Index(pooled_records(folders)), seed=seed)


def _of_base(record: ItemRecord, base: str) -> ItemRecord:
    run = f"{base} {record.run}" if record.run else ""
    # The variant, after the last slash, carries the base: the probe that the item belongs to stays the same.
    return record.model_copy(update={"item": f"{record.item} on {base.replace('/', ' ')}", "run": run})
