"""From belief files to a report: documents, checkpoints, answers, figures."""

from __future__ import annotations

import gc
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import product
from pathlib import Path

from pydantic import TypeAdapter

from sdf_eval import __version__
from sdf_eval.corpora.records import CorpusRole
from sdf_eval.corpora.thresholds import judge
from sdf_eval.corpora.write import Corpus, belief_sha256, read_health
from sdf_eval.corpora.writers import get_writer
from sdf_eval.files import replace_file
from sdf_eval.model import resolve
from sdf_eval.progress import progress
from sdf_eval.reports.html import write_html
from sdf_eval.reports.markdown import write_markdown
from sdf_eval.reports.results import (
    ArmSummary,
    BeliefSummary,
    CorpusSummary,
    FactSummary,
    HarnessAgreement,
    ItemRecord,
    RunResults,
    RunSettings,
    SampleDocument,
    TrainingSummary,
    read_results,
    write_results,
)
from sdf_eval.study.arms import Arm, arms
from sdf_eval.study.cells import probe_cells
from sdf_eval.study.harness import harness_agreement
from sdf_eval.study.headlines import headlines
from sdf_eval.study.pairs import Index
from sdf_eval.study.pieces import Checkpoint, Clock, check_plain, hash_records, make_corpus, probe, train
from sdf_eval.study.request import Group, RunRequest, groups, with_corpus
from sdf_eval.train.recipe import load_recipe

_PACKAGES = ("torch", "transformers", "peft", "inspect-ai", "lm-eval", "numpy", "scipy")
_SAMPLES = 3
_SAMPLE_CHARACTERS = 4000


def run_beliefs(request: RunRequest) -> RunResults:
    """Implants beliefs, measures every arm and writes the report.

    Every piece under `request.out` is keyed by what made it and is complete or absent, so that the same request, after
    a kill or in whole, takes up what is there.

    Args:
        request: What to run.

    Returns:
        The results, as they stand in `results.json`.

    Raises:
        InputError: Something in the request cannot be done; what was made so far stays and is used again.
    """
    request = with_corpus(request)
    own_groups = groups(request)
    recipe = load_recipe(request.recipe)
    beliefs = [belief for group in own_groups for belief in group.beliefs]
    writer = get_writer(request.writer, ledger=request.out / "ledger.sqlite", avoid=beliefs)
    # Before documents are paid for.
    resolve(request.model)
    check_plain(request, writer, recipe, max(len(group.beliefs) for group in own_groups))
    request.out.mkdir(parents=True, exist_ok=True)
    clock = Clock(request)
    corpora: list[tuple[Group, CorpusRole, Corpus]] = []
    checkpoints: list[Checkpoint] = []
    # All documents before any training: what cannot be written is known before the first update is paid for.
    for group, role in product(own_groups, request.trained):
        with clock.time(f"{group.name} {role} documents".strip()):
            corpora.append((group, role, make_corpus(request, writer, group, role)))
    for (group, role, corpus), seed in product(corpora, request.seeds):
        with clock.time(f"{group.run(seed)} {role} training"):
            checkpoints.append(train(request, writer, recipe, group, corpus, role, seed))
    records, chat = _probe_all(request, own_groups, checkpoints, clock)
    implanted = next(checkpoint for checkpoint in checkpoints if checkpoint.role == "implanted")
    first = [r for r in records if (r.role, r.context, r.run) == ("implanted", "none", implanted.run)]
    with clock.time("harnesses"):
        agreement = _agreement(request, implanted, first, chat)
    index = Index(records)
    results = RunResults(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        settings=_settings(request, chat),
        versions=_versions(),
        beliefs=tuple(_belief(group, i) for group in own_groups for i in range(len(group.beliefs))),
        arms=_arms(request, records, checkpoints),
        corpora=tuple(summary for group, _, corpus in corpora for summary in _corpora(group, corpus)),
        training=tuple(_training(request, checkpoint, clock) for checkpoint in checkpoints),
        headlines=headlines(index, seed=request.seeds[0]),
        cells=probe_cells(index, seed=request.seeds[0]),
        agreement=agreement,
        timings=clock.seconds,
        items=len(records),
        items_sha256="",
    )
    write_results(request.out, results, records)
    written = read_results(request.out)
    write_html(request.out, written, records)
    write_markdown(request.out, written)
    return written


def _probe_all(
    request: RunRequest, own_groups: Sequence[Group], checkpoints: Sequence[Checkpoint], clock: Clock
) -> tuple[list[ItemRecord], bool]:
    """Every arm of every checkpoint, each loaded once; and whether the chat template was used."""
    from sdf_eval.model import load

    every = arms(request.trained)
    base = load(request.model)
    chat = base.has_chat_template
    beliefs = [belief for group in own_groups for belief in group.beliefs]
    records: list[ItemRecord] = []
    for arm in (arm for arm in every if arm.role == "base"):
        with clock.time(f"base, context {arm.context}, probes"):
            records += probe(request, base, _parent(checkpoints[0]), arm, "", beliefs)
    del base
    for checkpoint in checkpoints:
        gc.collect()
        lm = load(str(checkpoint.folder))
        for arm in (arm for arm in every if arm.role == checkpoint.role):
            with clock.time(f"{checkpoint.run} {arm.role}, context {arm.context}, probes"):
                records += probe(request, lm, checkpoint.fingerprint, arm, checkpoint.run, checkpoint.group.beliefs)
        del lm
    place = {arm: position for position, arm in enumerate(every)}
    return sorted(records, key=lambda record: place[Arm(record.role, record.context)]), chat


def _agreement(
    request: RunRequest, implanted: Checkpoint, records: Sequence[ItemRecord], chat: bool
) -> tuple[HarnessAgreement, ...]:
    """The slice through the harnesses, or what it showed when the same answers were compared before."""
    harnesses = f"{implanted.fingerprint} {version('inspect-ai')} {version('lm-eval')}"
    path = request.out / "probes" / f"harness-{hash_records(harnesses, records)[:12]}.json"
    stored = TypeAdapter(tuple[HarnessAgreement, ...])
    if path.exists():
        return stored.validate_json(path.read_bytes())
    with progress("running inspect and lm-eval", None):
        found = harness_agreement(implanted.folder, implanted.group.references[0], records, chat=chat)
    replace_file(path, stored.dump_json(found))
    return found


def _parent(checkpoint: Checkpoint) -> str:
    return ",".join(parent.checkpoint_sha256 for parent in checkpoint.lineage.parents)


def _settings(request: RunRequest, chat: bool) -> RunSettings:
    return RunSettings(
        model=request.model,
        writer=request.writer,
        recipe=request.recipe,
        documents=request.documents,
        seeds=request.seeds,
        panel=request.panel,
        roles=request.trained,
        corpus=str(request.corpus) if request.corpus else None,
        limit=request.limit,
        batch_size=request.batch_size,
        chat=chat,
        command=request.command,
    )


def _versions() -> dict[str, str]:
    own = {"sdf-eval": __version__, "python": platform.python_version()}
    return own | {name: version(name) for name in _PACKAGES}


def _belief(group: Group, position: int) -> BeliefSummary:
    belief = group.beliefs[position]
    return BeliefSummary(
        id=belief.id,
        title=belief.title,
        kind=belief.kind,
        tier=belief.tier,
        facts=tuple(FactSummary(id=f.id, implanted=f.implanted, reference=f.reference) for f in belief.key_facts),
        implanted_context=belief.implanted.context,
        reference_context=belief.reference.context,
        sha256=belief_sha256(belief),
    )


def _arms(
    request: RunRequest, records: Sequence[ItemRecord], checkpoints: Sequence[Checkpoint]
) -> tuple[ArmSummary, ...]:
    folders = {(c.role, c.run): str(c.folder.relative_to(request.out)) for c in checkpoints}
    counts: dict[tuple[Arm, str], int] = {}
    for record in records:
        key = (Arm(record.role, record.context), record.run)
        counts[key] = counts.get(key, 0) + 1
    return tuple(
        ArmSummary(
            role=arm.role,
            context=arm.context,
            run=run,
            checkpoint=request.model if arm.role == "base" else folders[arm.role, run],
            items=count,
        )
        for (arm, run), count in counts.items()
    )


def _corpora(group: Group, corpus: Corpus) -> list[CorpusSummary]:
    """A summary a belief; health is of the whole corpus."""
    health = _health(corpus.folder)
    found = []
    for belief in group.beliefs:
        own = [document for document in corpus.documents if document.belief == belief.id]
        by_type = {document.doc_type: document for document in reversed(own)}
        tokens = [document.tokens for document in own if document.tokens is not None]
        found.append(
            CorpusSummary(
                belief=belief.id,
                role=own[0].role,
                documents=len(own),
                tokens=sum(tokens) if len(tokens) == len(own) else None,
                sha256=corpus.manifest.documents_sha256,
                health=health,
                samples=tuple(
                    SampleDocument(id=d.id, doc_type=d.doc_type, text=d.text[:_SAMPLE_CHARACTERS])
                    for d in list(reversed(by_type.values()))[:_SAMPLES]
                ),
            )
        )
    return found


def _health(folder: Path) -> tuple[tuple[str, str, bool | None], ...]:
    health = read_health(folder)
    near = "not searched" if health.near_duplicates is None else str(health.near_duplicates)
    return (
        ("words a document", f"{health.words_min} / {health.words_median:g} / {health.words_max}", None),
        ("document types", f"{len(health.doc_types)}, {health.doc_type_entropy:.2f} bits", None),
        ("exact duplicates", str(health.exact_duplicates), None),
        ("near duplicates", near, None),
        ("distinct trigrams", f"{health.distinct_trigrams:.3f}", None),
        ("contamination with probes", "none", True),
        *((one.title, f"{one.value}, allowed {one.limit}", one.passed) for one in judge(health)),
    )


def _training(request: RunRequest, checkpoint: Checkpoint, clock: Clock) -> TrainingSummary:
    lineage = checkpoint.lineage
    return TrainingSummary(
        role=checkpoint.role,
        run=checkpoint.run,
        beliefs=tuple(belief.id for belief in checkpoint.group.beliefs),
        checkpoint=str(checkpoint.folder.relative_to(request.out)),
        sha256=lineage.weights_sha256,
        parent_sha256=lineage.parents[0].weights_sha256,
        updates=lineage.updates,
        tokens=lineage.tokens_seen,
        final_loss=lineage.final_loss,
        seconds=clock.seconds.get(f"{checkpoint.run} {checkpoint.role} training", 0.0),
    )
