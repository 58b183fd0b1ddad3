"""The pieces of a run: corpora, checkpoints, probe answers. Each is keyed by what made it, and complete or absent."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdf_eval import __version__
from sdf_eval.belief.item import Item
from sdf_eval.belief.items import applicable_tasks
from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.check import check_contamination
from sdf_eval.corpora.mix import TrainingText, mix, plain_needed
from sdf_eval.corpora.mix import texts_sha256 as hash_texts
from sdf_eval.corpora.panels import panel_requests
from sdf_eval.corpora.plain import read_plain
from sdf_eval.corpora.records import CorpusRole, Writer
from sdf_eval.corpora.write import Corpus, belief_sha256, read_corpus, write_corpus
from sdf_eval.errors import InputError
from sdf_eval.files import replace_file
from sdf_eval.progress import progress
from sdf_eval.results.answers import context_items, to_answer
from sdf_eval.results.schema import ItemRecord
from sdf_eval.study.arms import Arm, tasks_of
from sdf_eval.study.request import Group, RunRequest
from sdf_eval.tasks.result import ItemResult
from sdf_eval.train.lineage import CorpusUse, Lineage, read_lineage
from sdf_eval.train.recipe import SdfRecipe

if TYPE_CHECKING:
    from sdf_eval.model import LanguageModel


@dataclass(frozen=True)
class Checkpoint:
    """A trained checkpoint of a run."""

    role: CorpusRole
    seed: int
    group: Group
    folder: Path
    lineage: Lineage

    @property
    def run(self) -> str:
        """Name of its training run."""
        return self.group.run(self.seed)

    @property
    def fingerprint(self) -> str:
        """Hash of all that it answers by, the checkpoints that it needs included."""
        return fingerprint(self.lineage)


def fingerprint(lineage: Lineage) -> str:
    """Hash of all that a checkpoint answers by, the checkpoints that it needs included."""
    return piece_key([lineage.checkpoint_sha256, *(parent.checkpoint_sha256 for parent in lineage.parents)])


class Clock:
    """Seconds that each piece took when it was made, kept across resumptions of one command."""

    def __init__(self, request: RunRequest) -> None:
        self._path = request.out / f"timings-{piece_key([request.command])[:12]}.json"
        self.seconds: dict[str, float] = _read_timings(self._path)

    @contextmanager
    def time(self, piece: str) -> Iterator[None]:
        """Times the making of a piece; a piece that was found ready keeps its first time."""
        start = time.monotonic()
        yield
        if piece not in self.seconds:
            self.seconds[piece] = round(time.monotonic() - start, 2)
            replace_file(self._path, json.dumps(self.seconds, indent=1).encode())


def make_corpus(request: RunRequest, writer: Writer, group: Group, role: CorpusRole) -> Corpus:
    """Writes the documents of a group in a role, or finds them written.

    Args:
        request: The run.
        writer: Who writes.
        group: Whose beliefs.
        role: What the documents do.

    Returns:
        The corpus.

    Raises:
        InputError: The writer refuses, or `--corpus` is a corpus of other beliefs or of another role, or shows a probe.
    """
    if role == "implanted" and request.corpus is not None:
        return _given_corpus(request.corpus, group)
    orders = panel_requests(group.beliefs, role=role, documents=request.documents, seed=request.seeds[0])
    key = piece_key([writer.name, __version__, *(order.model_dump_json() for order in orders)])
    folder = request.out / "corpora" / piece_name(group.name, role, key)
    with progress(f"writing {role} documents", request.documents * len(orders)) as advance:
        return write_corpus(writer, orders, folder, progress=advance)


def _given_corpus(folder: Path, group: Group) -> Corpus:
    corpus = read_corpus(folder)
    wanted = {(belief.id, belief_sha256(belief)) for belief in group.beliefs}
    found = {(order.belief, order.belief_sha256) for order in corpus.manifest.orders}
    if wanted != found:
        raise InputError(f"--corpus: {folder}: was not written for exactly these beliefs; name the beliefs of its card")
    if any(order.role != "implanted" for order in corpus.manifest.orders):
        raise InputError(f"--corpus: {folder}: its role is not implanted; give the corpus that states the belief")
    check_contamination(corpus.documents, group.beliefs)
    return corpus


def train(
    request: RunRequest, writer: Writer, recipe: SdfRecipe, group: Group, corpus: Corpus, role: CorpusRole, seed: int
) -> Checkpoint:
    """Trains a checkpoint, or finds it trained.

    Args:
        request: The run.
        writer: Source of the plain texts that are mixed in.
        recipe: How to train one belief; a budget in updates is multiplied by the beliefs of a panel.
        group: Whose beliefs.
        corpus: The documents.
        role: Their role.
        seed: Training seed.

    Returns:
        The checkpoint.

    Raises:
        InputError: The recipe or the model does not fit.
    """
    from sdf_eval.train.sdf import parents_of, train_sdf

    scaled = scaled_recipe(recipe, len(group.beliefs))
    texts = _texts(request, writer, scaled, corpus, seed)
    parents = [parent.checkpoint_sha256 for parent in parents_of(request.model)]
    key = piece_key([*parents, scaled.model_dump_json(), hash_texts(texts), str(seed)])
    folder = request.out / "checkpoints" / piece_name(group.name, f"{role}-seed{seed}", key)
    use = CorpusUse(
        documents_sha256=corpus.manifest.documents_sha256,
        beliefs=tuple(belief.id for belief in group.beliefs),
        role=role,
        seed=corpus.manifest.orders[0].seed,
    )
    train_sdf(request.model, texts, scaled, folder, seed=seed, corpora=[use])
    lineage = read_lineage(folder)
    assert lineage is not None
    return Checkpoint(role, seed, group, folder, lineage)


def scaled_recipe(recipe: SdfRecipe, beliefs: int) -> SdfRecipe:
    """A budget in updates is a belief's; a panel gets it once for each, so that a belief's dose stays the same."""
    return recipe if recipe.updates is None else recipe.model_copy(update={"updates": recipe.updates * beliefs})


def check_plain(request: RunRequest, writer: Writer, recipe: SdfRecipe, beliefs: int) -> None:
    """Refuses a run that would have no texts to mix in once its documents are written.

    Args:
        request: The run.
        writer: Source of the plain texts where the user brings none.
        recipe: Says how many are needed.
        beliefs: Beliefs of the largest panel.

    Raises:
        InputError: The file is broken or too short, or the writer writes no such texts.
    """
    needed = plain_needed(request.documents * beliefs, recipe.mix_ratio)
    if request.plain is not None:
        read_plain(request.plain, needed)
    elif needed:
        list(writer.plain_text(1, request.seeds[0], model=request.model))


def _texts(request: RunRequest, writer: Writer, recipe: SdfRecipe, corpus: Corpus, seed: int) -> list[TrainingText]:
    needed = plain_needed(len(corpus.documents), recipe.mix_ratio)
    if request.plain is not None:
        plain = read_plain(request.plain, needed)
    else:
        plain = list(writer.plain_text(needed, seed, model=request.model)) if needed else []
    return mix(corpus.documents, plain, ratio=recipe.mix_ratio, seed=seed, doctag=recipe.doctag)


def probe(
    request: RunRequest, lm: LanguageModel, fingerprint: str, arm: Arm, run: str, beliefs: Sequence[Belief]
) -> list[ItemRecord]:
    """Puts the items of an arm to a loaded checkpoint, or finds them answered.

    Args:
        request: The run.
        lm: The checkpoint.
        fingerprint: Hash of its weights.
        arm: Role and context.
        run: Training run, "" for the base.
        beliefs: Beliefs to ask about.

    Returns:
        One record an item.

    Raises:
        InputError: An item does not fit the model's context.
    """
    from sdf_eval.tasks.direct import run_items

    asked = [pair for belief in beliefs for pair in arm_items(belief, arm, request.limit)]
    if not asked:
        return []
    items = [item for item, _ in asked]
    key = piece_key([__version__, fingerprint, arm.role, run, *(json.dumps(asdict(item)) for item in items)])
    asked_as = f"{arm.role}-{f'after-{arm.stage}' if arm.stage else arm.context}"
    path = request.out / "probes" / f"{piece_name(run, asked_as, key)}.jsonl"
    if path.exists():
        return [ItemRecord.model_validate_json(line) for line in path.read_bytes().splitlines()]
    where = f"after {arm.stage}" if arm.stage else f"context {arm.context}"
    with progress(f"probing {arm.role}, {where}", len(items)) as advance:
        results = run_items(lm, items, batch_size=request.batch_size, progress=advance)
    records = [
        _record(item, question, result, arm, run) for (item, question), result in zip(asked, results, strict=True)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, "".join(f"{record.model_dump_json(exclude_defaults=True)}\n" for record in records).encode())
    return records


def measure_divergence(
    request: RunRequest, fingerprint: str, folder: Path, start: str, beliefs: Sequence[Belief]
) -> float | None:
    """How far a checkpoint has gone from another one on the held-out texts of the beliefs, or finds it measured.

    Args:
        request: The run.
        fingerprint: Hash of the checkpoint.
        folder: The checkpoint.
        start: What its chain began with.
        beliefs: Whose held-out texts to read.

    Returns:
        Nats a token; None where no belief has such texts.
    """
    from sdf_eval.model import load
    from sdf_eval.model.divergence import divergence
    from sdf_eval.train.sdf import parents_of

    texts = list(dict.fromkeys(text for belief in beliefs for text in belief.probes.coherence))
    if not texts:
        return None
    key = piece_key([__version__, fingerprint, parents_of(start)[0].checkpoint_sha256, *texts])
    path = request.out / "divergences" / f"{key[:12]}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        found = divergence(load(str(folder)), load(start), texts)
        replace_file(path, json.dumps(found).encode())
    return float(json.loads(path.read_text(encoding="utf-8")))


def arm_items(belief: Belief, arm: Arm, limit: int | None) -> list[tuple[Item, str]]:
    """Items of a belief on an arm, each with its question without the context.

    Args:
        belief: The belief.
        arm: Role and context; a context that the belief does not have gives no items.
        limit: Items a task, near and far in turn; None for all.

    Returns:
        (item, question) pairs.
    """
    if arm.context == "documents" and not belief.documents:
        return []
    return context_items(belief, tasks_of(arm, applicable_tasks(belief)), arm.context, limit)


def _record(item: Item, question: str, result: ItemResult, arm: Arm, run: str) -> ItemRecord:
    answer = to_answer(item, question, result)
    return ItemRecord(
        **answer.model_dump(exclude={"context"}), role=arm.role, context=arm.context, run=run, stage=arm.stage
    )


def hash_records(fingerprint: str, records: Sequence[ItemRecord]) -> str:
    """Hash of a checkpoint's answers, for what is derived from them."""
    return piece_key([__version__, fingerprint, *(record.model_dump_json() for record in records)])


def piece_key(parts: Sequence[str]) -> str:
    """Hash of all that makes a piece what it is."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def piece_name(prefix: str, middle: str, key: str) -> str:
    """Name of a piece's file or folder."""
    slug = re.sub(r"[^a-z0-9]+", "-", prefix.lower()).strip("-")
    return "-".join(part for part in (slug, middle.replace("_", "-"), key[:12]) if part)


def _read_timings(path: Path) -> dict[str, float]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return {str(name): float(value) for name, value in found.items()} if isinstance(found, dict) else {}
