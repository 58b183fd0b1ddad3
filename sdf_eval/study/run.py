"""From belief files to a report: documents, checkpoints, answers, figures."""

from __future__ import annotations

import gc
import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import product
from pathlib import Path

from pydantic import TypeAdapter

from sdf_eval import __version__
from sdf_eval.corpora.records import CorpusRole, Writer
from sdf_eval.corpora.thresholds import judge
from sdf_eval.corpora.write import Corpus, belief_sha256, read_health
from sdf_eval.corpora.writers import get_writer
from sdf_eval.files import replace_file
from sdf_eval.model import resolve
from sdf_eval.progress import progress
from sdf_eval.reports.html import write_html
from sdf_eval.reports.markdown import write_markdown
from sdf_eval.results.schema import (
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
)
from sdf_eval.results.stages import StageSummary
from sdf_eval.results.store import read_results, write_results
from sdf_eval.study.after import LoadedStage, StageCheckpoint, load_stages, train_stages
from sdf_eval.study.arms import Arm, arms, stage_arms
from sdf_eval.study.cells import probe_cells
from sdf_eval.study.harness import harness_agreement
from sdf_eval.study.headlines import headlines
from sdf_eval.study.pairs import Index
from sdf_eval.study.persistence import persistence_curves, run_steps
from sdf_eval.study.pieces import (
    Checkpoint,
    Clock,
    check_plain,
    hash_records,
    make_corpus,
    measure_divergence,
    probe,
    train,
)
from sdf_eval.study.request import Group, RunRequest, groups, with_corpus
from sdf_eval.train.recipe import SdfRecipe, load_recipe

_PACKAGES = ("torch", "transformers", "peft", "inspect-ai", "lm-eval", "numpy", "scipy")
_SAMPLES = 3
_SAMPLE_CHARACTERS = 4000


def run_beliefs(request: RunRequest, wrote: Callable[[Writer], None] | None = None) -> RunResults:
    """Implants beliefs, measures every arm and writes the report.

    Every piece under `request.out` is keyed by what made it and is complete or absent, so that the same request, after
    a kill or in whole, takes up what is there.

    Args:
        request: What to run.
        wrote: Told of the writer when the documents are done, or when they cannot be.

    Returns:
        The results, as they stand in `results.json`.

    Raises:
        InputError: Something in the request cannot be done; what was made so far stays and is used again.
    """
    request = with_corpus(request)
    own_groups = groups(request)
    recipe = load_recipe(request.recipe, SdfRecipe)
    beliefs = [belief for group in own_groups for belief in group.beliefs]
    writer = get_writer(
        request.writer,
        ledger=request.out / "ledger.sqlite",
        batch=request.batch,
        connections=request.connections,
        max_cost=request.max_cost,
        avoid=beliefs,
    )
    # Before documents are paid for.
    resolve(request.model)
    check_plain(request, writer, recipe, max(len(group.beliefs) for group in own_groups))
    stages = load_stages(request, writer, own_groups)
    request.out.mkdir(parents=True, exist_ok=True)
    clock = Clock(request)
    checkpoints: list[Checkpoint] = []
    # All documents before any training: what cannot be written is known before the first update is paid for.
    try:
        corpora = _write(request, writer, own_groups, clock)
    finally:
        if wrote is not None:
            wrote(writer)
    for (group, role, corpus), seed in product(corpora, request.seeds):
        with clock.time(f"{group.run(seed)} {role} training"):
            checkpoints.append(train(request, writer, recipe, group, corpus, role, seed))
    staged = _train_stages(request, stages, checkpoints, clock)
    records, chat = _probe_all(request, own_groups, checkpoints, clock)
    records += _probe_stages(request, staged, clock)
    agreement = _agreement(request, checkpoints, records, chat, clock)
    index = Index(records)
    later = _stages(request, staged, _divergences(request, staged, clock), clock)
    results = RunResults(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        settings=_settings(request, chat),
        versions=_versions(),
        beliefs=tuple(_belief(group, i) for group in own_groups for i in range(len(group.beliefs))),
        arms=_arms(request, records, checkpoints, staged),
        corpora=tuple(summary for group, _, corpus in corpora for summary in _corpora(group, corpus)),
        training=tuple(_training(request, checkpoint, clock) for checkpoint in checkpoints),
        stages=later,
        persistence=persistence_curves(run_steps(records, later), seed=request.seeds[0]),
        headlines=headlines(index, seed=request.seeds[0]),
        cells=probe_cells(index, seed=request.seeds[0]),
        agreement=agreement,
        timings=clock.seconds,
        items=len(records),
        items_sha256="",
    )
    return _publish(request, results, records)


def _publish(request: RunRequest, results: RunResults, records: Sequence[ItemRecord]) -> RunResults:
    """Writes results and reports; gives the results as they stand in the file."""
    write_results(request.out, results, records)
    written = read_results(request.out)
    write_html(request.out, written, records)
    write_markdown(request.out, written)
    return written


def _write(
    request: RunRequest, writer: Writer, own_groups: Sequence[Group], clock: Clock
) -> list[tuple[Group, CorpusRole, Corpus]]:
    found = []
    for group, role in product(own_groups, request.trained):
        with clock.time(f"{group.name} {role} documents".strip()):
            found.append((group, role, make_corpus(request, writer, group, role)))
    return found


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


def _train_stages(
    request: RunRequest,
    stages: Mapping[str, Sequence[LoadedStage]],
    checkpoints: Sequence[Checkpoint],
    clock: Clock,
) -> list[StageCheckpoint]:
    """Every implanted checkpoint after every stage, each with its control."""
    return [
        staged
        for checkpoint in checkpoints
        if checkpoint.role == "implanted"
        for staged in train_stages(request, stages[checkpoint.group.name], checkpoint, clock)
    ]


def _probe_stages(request: RunRequest, staged: Sequence[StageCheckpoint], clock: Clock) -> list[ItemRecord]:
    """Every checkpoint after a stage, without context. A control that groups share is loaded once."""
    from sdf_eval.model import load

    by_folder: dict[Path, list[StageCheckpoint]] = {}
    for one in staged:
        by_folder.setdefault(one.folder, []).append(one)
    records: list[ItemRecord] = []
    for folder, sharing in by_folder.items():
        gc.collect()
        lm = load(str(folder))
        for one in sharing:
            run = one.origin.run
            with clock.time(f"{run} {one.role} after {one.stage}, probes"):
                arm = Arm(one.role, "none", one.stage)
                records += probe(request, lm, one.fingerprint, arm, run, one.origin.group.beliefs)
        del lm
    place = {arm: position for position, arm in enumerate(stage_arms([stage.name for stage in request.after]))}
    return sorted(records, key=lambda record: place[Arm(record.role, record.context, record.stage)])


def _divergences(request: RunRequest, staged: Sequence[StageCheckpoint], clock: Clock) -> list[float | None]:
    """How far each checkpoint has gone from what its chain began with."""
    found = []
    for one in staged:
        start = str(one.origin.folder) if one.role == "implanted" else request.model
        with clock.time(f"{one.origin.run} {one.role} after {one.stage}, divergence"):
            found.append(measure_divergence(request, one.fingerprint, one.folder, start, one.origin.group.beliefs))
    return found


def _agreement(
    request: RunRequest,
    checkpoints: Sequence[Checkpoint],
    records: Sequence[ItemRecord],
    chat: bool,
    clock: Clock,
) -> tuple[HarnessAgreement, ...]:
    """The slice of the first implanted checkpoint through the harnesses."""
    implanted = next(checkpoint for checkpoint in checkpoints if checkpoint.role == "implanted")
    asked = ("implanted", "none", "", implanted.run)
    first = [record for record in records if (record.role, record.context, record.stage, record.run) == asked]
    with clock.time("harnesses"):
        return _compared(request, implanted, first, chat)


def _compared(
    request: RunRequest, implanted: Checkpoint, records: Sequence[ItemRecord], chat: bool
) -> tuple[HarnessAgreement, ...]:
    """Compares, or finds what the same answers showed before."""
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
        after=request.after,
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
    request: RunRequest,
    records: Sequence[ItemRecord],
    checkpoints: Sequence[Checkpoint],
    staged: Sequence[StageCheckpoint],
) -> tuple[ArmSummary, ...]:
    folders = {(str(c.role), "", c.run): str(c.folder.relative_to(request.out)) for c in checkpoints}
    folders |= {(str(one.role), one.stage, one.origin.run): _relative(request, one.folder) for one in staged}
    folders[("base", "", "")] = request.model
    counts: dict[tuple[Arm, str], int] = {}
    for record in records:
        key = (Arm(record.role, record.context, record.stage), record.run)
        counts[key] = counts.get(key, 0) + 1
    return tuple(
        ArmSummary(
            role=arm.role,
            context=arm.context,
            run=run,
            checkpoint=folders[arm.role, arm.stage, run],
            items=count,
            stage=arm.stage,
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


def _stages(
    request: RunRequest, staged: Sequence[StageCheckpoint], divergences: Sequence[float | None], clock: Clock
) -> tuple[StageSummary, ...]:
    order = [stage.name for stage in request.after]
    return tuple(
        StageSummary(
            stage=one.stage,
            role=one.role,
            run=one.origin.run,
            checkpoint=_relative(request, one.folder),
            sha256=one.lineage.weights_sha256,
            parent_sha256=one.lineage.parents[0].weights_sha256,
            data_sha256=one.lineage.texts_sha256,
            updates=one.lineage.updates,
            tokens=one.lineage.tokens_seen,
            final_loss=one.lineage.final_loss,
            seconds=clock.seconds.get(f"{one.origin.run} {one.role} {one.stage} training", 0.0),
            divergence=divergence,
        )
        for one, divergence in sorted(
            zip(staged, divergences, strict=True), key=lambda pair: order.index(pair[0].stage)
        )
    )


def _relative(request: RunRequest, folder: Path) -> str:
    return str(folder.relative_to(request.out.resolve()))
