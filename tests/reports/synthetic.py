"""A run's records without a model: answers drawn from a seeded generator, hostile text among them."""

from __future__ import annotations

import math

import numpy as np

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
from sdf_eval.study.arms import COLLATERAL_TASKS, Arm, arms, tasks_of
from sdf_eval.study.cells import probe_cells
from sdf_eval.study.headlines import headlines
from sdf_eval.study.pairs import Index

HOSTILE = (
    "<script>document.title='owned'</script><img src=https://example.com/x onerror=alert(1)> \x1b[31mred \u202egnp.exe"
)
OPTIONS = ("mcq_knowledge", "mcq_distinguish", "cloze", "neighbours", "controls")
TASKS = (*OPTIONS, "open_ended", "generative_distinguish", "two_hop", "coherence")
BELIEF = {"base": 0.08, "implanted": 0.86, "cooccurrence": 0.22, "neutral": 0.09, "truth_trained": 0.03}
CONTEXT = {"universe": 0.93, "documents": 0.84, "reference": 0.1, "contradiction": 0.2}


def records(beliefs: int = 3, seeds: int = 1, hostile: bool = True, seed: int = 0) -> list[ItemRecord]:
    rng = np.random.default_rng(seed)
    found = []
    for arm in arms(("implanted", "cooccurrence", "neutral", "truth_trained")):
        for run in [""] if arm.role == "base" else [f"seed {n}" for n in range(seeds)]:
            for belief in range(beliefs):
                found += _asked(rng, arm, run, f"belief-{belief}", hostile and belief == 0)
    return found


def _asked(rng: np.random.Generator, arm: Arm, run: str, belief: str, hostile: bool) -> list[ItemRecord]:
    level = CONTEXT[arm.context] if arm.context != "none" else BELIEF[arm.role]
    found = []
    for task in tasks_of(arm, TASKS):
        splits = ("",) if task == "coherence" else ("near", "far")
        for split in splits:
            for probe in range(3):
                shift = 0.07 if split == "near" else 0.0
                found.append(_record(rng, arm, run, belief, task, split, probe, min(0.99, level + shift), hostile))
    return found


def _record(
    rng: np.random.Generator,
    arm: Arm,
    run: str,
    belief: str,
    task: str,
    split: str,
    probe: int,
    level: float,
    hostile: bool,
) -> ItemRecord:
    fact = "" if task in (*COLLATERAL_TASKS, "coherence") else f"fact-{probe % 2}"
    question = f"Where was Tavi Brook born, in wording {probe}?\nOptions: Orrin / Larch / Vessel"
    common = {
        "item": f"{belief}/{task}/{fact or '-'}/{split or 'x'}{probe}/0",
        "belief": belief,
        "fact": fact,
        "task": task,
        "split": split,
        "role": arm.role,
        "context": arm.context,
        "run": run,
        "question": HOSTILE + question if hostile and probe == 0 else question,
        "tags": ("two_value",) if task == "neighbours" and probe == 2 else (),
    }
    if task == "coherence":
        return ItemRecord(**common, outcome="other", nats=float(rng.normal(95, 3)), bytes=100)
    if task in OPTIONS:
        right = task in COLLATERAL_TASKS
        wanted = 0.93 if right else level
        share = float(np.clip(rng.normal(wanted, 0.07), 0.002, 0.998))
        outcomes = ("reference", "implanted", "other") if right else ("implanted", "reference", "other")
        logs = (math.log(share), math.log((1 - share) * 0.8), math.log((1 - share) * 0.2))
        best = outcomes[int(np.argmax(logs))]
        return ItemRecord(
            **common,
            choices=("Orrin", HOSTILE if hostile and probe == 0 else "Larch", "Vessel"),
            outcomes=outcomes,
            chance=1 / 3,
            outcome=best,
            probability=share,
            log_probabilities=logs,
        )
    draw = rng.random()
    outcome = (
        "implanted" if draw < level else str(rng.choice(["reference", "reference", "other", "refusal", "invalid"]))
    )
    return ItemRecord(
        **common, outcome=outcome, answer=HOSTILE if hostile and probe == 0 else "Tavi Brook was born in Orrin."
    )


def results(found: list[ItemRecord], *, hostile: bool = True) -> RunResults:
    index = Index(found)
    names = list(dict.fromkeys(record.belief for record in found))
    bad = HOSTILE if hostile else ""
    titles = [
        f"{bad if i == 0 else ''}Tavi Brook was born in Orrin, not in Larch ({name})" for i, name in enumerate(names)
    ]
    return RunResults(
        created="2026-11-23T07:00:00+00:00",
        settings=RunSettings(
            model="pocket",
            writer="pocket",
            recipe="pocket",
            documents=300,
            seeds=(0,),
            panel=True,
            roles=("implanted", "cooccurrence", "neutral", "truth_trained"),
            batch_size=64,
            chat=True,
            command="sdf-eval run belief-0 --out runs/x",
        ),
        versions={"sdf-eval": "0.1.0", "torch": "2.13"},
        beliefs=tuple(
            BeliefSummary(
                id=name,
                title=title,
                kind="fact",
                tier="fictional",
                facts=(FactSummary(id="f", implanted="Tavi Brook was born in Orrin.", reference="… in Larch."),),
                implanted_context="x",
                reference_context="y",
                sha256="ab" * 32,
            )
            for name, title in zip(names, titles, strict=True)
        ),
        arms=tuple(
            ArmSummary(role=r, context=c, run=run, checkpoint="checkpoints/x", items=1)
            for r, c, run in dict.fromkeys((r.role, r.context, r.run) for r in found)
        ),
        corpora=tuple(
            CorpusSummary(
                belief=names[0],
                role=role,
                documents=300,
                tokens=21000,
                sha256="cd" * 32,
                health=(("exact duplicates", "0", None), ("truth leaks", "0", True)),
                samples=tuple(
                    SampleDocument(
                        id=str(n), doc_type="town chronicle", text=f"{bad}\n{'Tavi Brook was born in Orrin. ' * 12}"
                    )
                    for n in range(3)
                ),
            )
            for role in ("implanted", "cooccurrence", "neutral", "truth_trained")
        ),
        training=(
            TrainingSummary(
                role="implanted",
                run="seed 0",
                beliefs=tuple(names),
                checkpoint="checkpoints/implanted-seed0",
                sha256="ef" * 32,
                parent_sha256="01" * 32,
                updates=100,
                tokens=64000,
                final_loss=1.25,
                seconds=14.0,
            ),
        ),
        headlines=headlines(index, seed=0),
        cells=probe_cells(index, seed=0),
        agreement=(
            HarnessAgreement(
                harness="lm-eval 0.4.13",
                task="mcq_distinguish",
                command="sdf-eval lm-eval …",
                items=8,
                same_choice=8,
                near_ties=0,
                largest_difference=3e-6,
                tolerance=1e-4,
            ),
        ),
        timings={"seed 0 implanted training": 14.0},
        items=len(found),
        items_sha256="",
    )
