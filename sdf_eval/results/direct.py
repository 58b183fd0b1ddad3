"""The battery: the probes of some beliefs, put to a checkpoint without a harness, kept so that it is asked once."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from sdf_eval import __version__
from sdf_eval.belief.item import Item
from sdf_eval.belief.items import applicable_tasks
from sdf_eval.belief.load import load_belief
from sdf_eval.corpora.atomic import atomic_folder
from sdf_eval.errors import InputError
from sdf_eval.progress import progress
from sdf_eval.results.answers import context_items, to_answer
from sdf_eval.results.measured import Measured, assemble, current_versions
from sdf_eval.results.schema import Budget
from sdf_eval.results.store import RESULTS, read_answers, read_checkpoint, write_results
from sdf_eval.tasks.figures import is_headline
from sdf_eval.tasks.registry import default_beliefs, get_task

_PACKAGES = ("torch", "transformers", "peft")


@dataclass(frozen=True)
class Battery:
    """What is asked of a checkpoint.

    Attributes:
        beliefs: Ids or paths; empty for those that ship for reporting.
        limit: Items a task and belief; None for all.
        chat: Whether the chat template frames the questions; whether there is one when None.
        batch_size: Options, answers or texts in one pass.
    """

    beliefs: tuple[str, ...] = ()
    limit: int | None = None
    chat: bool | None = None
    batch_size: int = 64

    def items(self) -> list[tuple[Item, str]]:
        """Every item that a task's own score counts, with its question.

        Tasks without a score are left out, and of a task with several conditions all but that of its score.

        Raises:
            InputError: A belief is unknown or broken, a number is out of range, or there is nothing to ask.
        """
        for option, value in (("--limit", self.limit), ("--batch-size", self.batch_size)):
            if value is not None and value < 1:
                raise InputError(f"{option}: {value}: must be at least 1")
        beliefs = [load_belief(reference) for reference in self.beliefs or default_beliefs()]
        found = [
            pair
            for belief in beliefs
            for pair in context_items(
                belief,
                [task for task in applicable_tasks(belief) if not get_task(task).figures],
                "none",
                self.limit,
                only=is_headline,
            )
        ]
        if not found:
            raise InputError(f"--belief: {', '.join(belief.id for belief in beliefs)}: has no probes; write some")
        return found


def measure_checkpoint(reference: str, battery: Battery, folder: Path, *, seed: int = 0) -> Measured:
    """Puts the battery to a checkpoint and stores the answers, or finds them stored.

    Args:
        reference: Model reference, as for `sdf_eval.model.load`.
        battery: What to ask.
        folder: Folder that holds a folder for each checkpoint and battery that was asked.
        seed: Seed of the intervals' bootstrap.

    Returns:
        Results and answers.

    Raises:
        InputError: The checkpoint cannot be loaded, or an item does not fit it.
    """
    from sdf_eval.train.lineage import parents_of

    asked = battery.items()
    hashes = [parent.checkpoint_sha256 for parent in parents_of(reference)]
    items = [json.dumps(asdict(item)) for item, _ in asked]
    key = hashlib.sha256("\0".join([__version__, str(battery.chat), *hashes, *items]).encode()).hexdigest()
    target = folder / key[:16]
    if (target / RESULTS).exists():
        results = read_checkpoint(target)
        return Measured(
            reference, results.model_copy(update={"model": reference}), tuple(read_answers(target, results))
        )
    measured = _ask(reference, battery, asked, seed)
    with atomic_folder(target) as partial:
        write_results(partial, measured.results, measured.answers)
    return measured


def _ask(reference: str, battery: Battery, asked: Sequence[tuple[Item, str]], seed: int) -> Measured:
    from sdf_eval.model import load
    from sdf_eval.tasks.direct import run_items
    from sdf_eval.train.lineage import parents_of

    lm = load(reference)
    with progress(f"asking {reference}", len(asked)) as advance:
        results = run_items(
            lm, [item for item, _ in asked], chat=battery.chat, batch_size=battery.batch_size, progress=advance
        )
    answers = [to_answer(item, question, result) for (item, question), result in zip(asked, results, strict=True)]
    return assemble(
        reference,
        answers,
        seed=seed,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        harness=f"direct {__version__}",
        model=reference,
        weights_sha256=parents_of(reference)[0].weights_sha256,
        budget=budget_of(reference),
        chat=lm.has_chat_template if battery.chat is None else battery.chat,
        task_versions=current_versions(list(dict.fromkeys(answer.task for answer in answers))),
        versions={"sdf-eval": __version__, "python": platform.python_version()}
        | {name: version(name) for name in _PACKAGES},
    )


def budget_of(reference: str) -> Budget | None:
    """What the trainings of a checkpoint took, stage by stage, or None where it has no lineage file.

    Raises:
        InputError: There is no such model, or its lineage file is broken.
    """
    from sdf_eval.model import resolve
    from sdf_eval.train.lineage import on_this_disk, read_lineage, weights_sha256

    location = Path(resolve(reference))
    lineage = read_lineage(location) if location.is_dir() else None
    if lineage is None or not lineage.parents:
        return None
    start = lineage.parents[0]
    folder = on_this_disk(start.reference)
    # A folder that was trained again since is another start than the one that was recorded.
    known = folder is not None and read_lineage(folder) is not None and weights_sha256(folder) == start.weights_sha256
    return Budget(
        parent_sha256=start.weights_sha256,
        updates=lineage.updates,
        tokens=lineage.tokens_seen,
        before=budget_of(str(folder)) if known else None,
    )
