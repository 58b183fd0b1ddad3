"""What `run` is asked for, checked before anything is written."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sdf_eval.belief.items import applicable_tasks
from sdf_eval.belief.load import load_belief
from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.panels import check_disjoint
from sdf_eval.corpora.records import CorpusRole
from sdf_eval.corpora.write import read_corpus
from sdf_eval.errors import InputError
from sdf_eval.results.stages import AfterStage

ALWAYS: tuple[CorpusRole, ...] = ("implanted", "neutral", "cooccurrence")
"""Roles of every run: a lift without its controls is no result."""
SHOWN_ORDER: tuple[CorpusRole, ...] = ("implanted", "cooccurrence", "neutral", "truth_trained")


@dataclass(frozen=True)
class RunRequest:
    """A run before it starts.

    Attributes:
        references: Beliefs as the user named them: paths or ids.
        model: Reference of the base.
        writer: Name of the document writer.
        recipe: Path or name of the recipe.
        documents: Documents a belief and role.
        seeds: Training seeds; the first also seeds the corpora.
        panel: Train all beliefs into one checkpoint a role.
        roles: Roles to train beyond those of `ALWAYS`.
        corpus: A folder to take the implanted documents from; None lets the writer write them.
        plain: A file of texts to mix in; None lets the writer write them.
        out: Folder of the run.
        limit: Items a task and belief; None for all.
        batch_size: Options, answers or texts in one pass.
        max_cost: Dollars that a model writer's answers may cost at most; None for no limit.
        batch: Whether a model writer is asked through its batch interface.
        connections: Calls to a model writer in flight at most.
        after: Stages of post-training after the implant.
    """

    references: tuple[str, ...]
    model: str
    writer: str
    recipe: str
    documents: int
    seeds: tuple[int, ...]
    panel: bool
    roles: tuple[CorpusRole, ...]
    corpus: Path | None
    plain: Path | None
    out: Path
    limit: int | None
    batch_size: int
    max_cost: float | None = None
    batch: bool = False
    connections: int = 16
    after: tuple[AfterStage, ...] = ()

    @property
    def trained(self) -> tuple[CorpusRole, ...]:
        """Every role that is trained, in the order in which reports show them."""
        return tuple(role for role in SHOWN_ORDER if role in (*ALWAYS, *self.roles))

    @property
    def command(self) -> str:
        """A shell line that asks for the same run."""
        words = ["sdf-eval", "run", *self.references, "--model", self.model, "--writer", self.writer]
        words += ["--recipe", self.recipe, "--documents", str(self.documents)]
        words += ["--seeds", ",".join(map(str, self.seeds)), "--roles", ",".join(self.trained)]
        words += ["--panel"] if self.panel else []
        words += ["--corpus", str(self.corpus)] if self.corpus else []
        words += ["--plain", str(self.plain)] if self.plain else []
        words += ["--limit", str(self.limit)] if self.limit is not None else []
        words += self._after_words
        return shlex.join([*words, "--batch-size", str(self.batch_size), "--out", str(self.out)])

    @property
    def _after_words(self) -> list[str]:
        if not self.after:
            return []
        words = ["--after", ",".join(stage.stage for stage in self.after)]
        for stage in self.after:
            words += ["--after-recipe", f"{stage.name}={stage.recipe}", "--after-data", f"{stage.name}={stage.data}"]
        rewards = {name: weight for stage in self.after for name, weight in stage.rewards.items()}
        words += [word for name, weight in rewards.items() for word in ("--after-reward", f"{name}={weight:g}")]
        return [*words, "--after-rows", str(self.after[0].rows)]


@dataclass(frozen=True)
class Group:
    """Beliefs that share a checkpoint.

    Attributes:
        beliefs: One, or all of a panel.
        references: As the user named them.
        name: Prefix of its runs and folders; "" where there is one group.
    """

    beliefs: tuple[Belief, ...]
    references: tuple[str, ...]
    name: str

    def run(self, seed: int) -> str:
        """Name of a training run."""
        return f"{self.name} seed {seed}".strip()


def groups(request: RunRequest) -> tuple[Group, ...]:
    """Loads the beliefs and says which of them share a checkpoint.

    Args:
        request: The run.

    Returns:
        One group for a panel or a single belief, else one a belief.

    Raises:
        InputError: A belief is broken or named twice, two beliefs of a panel are about the same thing, or a number or
            option does not fit.
    """
    _check_numbers(request)
    beliefs = tuple(load_belief(reference) for reference in request.references)
    _check_beliefs(beliefs, request)
    if request.panel or len(beliefs) == 1:
        return (Group(beliefs, request.references, ""),)
    return tuple(Group((b,), (r,), b.id) for b, r in zip(beliefs, request.references, strict=True))


def with_corpus(request: RunRequest) -> RunRequest:
    """Gives every control as many documents as the corpus that the user brings has, so that doses are equal.

    Args:
        request: The run.

    Returns:
        The request with the corpus's number of documents a belief; unchanged without a corpus.

    Raises:
        InputError: The corpus is broken, or its beliefs have different numbers of documents.
    """
    if request.corpus is None:
        return request
    counts = {order.belief: order.documents for order in read_corpus(request.corpus).manifest.orders}
    if len(set(counts.values())) != 1:
        listed = ", ".join(f"{belief} {count}" for belief, count in counts.items())
        raise InputError(f"--corpus: {request.corpus}: different numbers of documents ({listed}); give each as many")
    return replace(request, documents=next(iter(counts.values())))


def _check_numbers(request: RunRequest) -> None:
    for option, value in (("--documents", request.documents), ("--batch-size", request.batch_size)):
        if value < 1:
            raise InputError(f"{option}: {value}: must be at least 1; give a larger number")
    if request.limit is not None and request.limit < 1:
        raise InputError(f"--limit: {request.limit}: must be at least 1; leave it out for all items")
    if not request.seeds or len(set(request.seeds)) != len(request.seeds):
        raise InputError("--seeds: must be one or more different whole numbers; write for instance 0,1,2")
    if min(request.seeds) < 0 or max(request.seeds) >= 2**32:
        raise InputError(f"--seeds: {min(request.seeds)} to {max(request.seeds)}: must lie within 0 and {2**32 - 1}")
    if request.out.exists() and not request.out.is_dir():
        raise InputError(f"--out: {request.out}: is a file; name a folder")


def _check_beliefs(beliefs: Sequence[Belief], request: RunRequest) -> None:
    if not beliefs:
        raise InputError("BELIEF: none given; name a belief file, or an id of `sdf-eval belief list`")
    ids = [belief.id for belief in beliefs]
    twice = next((name for name in ids if ids.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"belief {twice}: given twice; name each belief once")
    bare = next((belief.id for belief in beliefs if not applicable_tasks(belief)), None)
    if bare is not None:
        raise InputError(f"belief {bare}: probes: there is none, so nothing could be measured; write some")
    if request.panel:
        check_disjoint(beliefs)
    if request.corpus is not None and len(beliefs) > 1 and not request.panel:
        raise InputError("--corpus: is one corpus, and several beliefs have one each; add --panel or name one belief")
