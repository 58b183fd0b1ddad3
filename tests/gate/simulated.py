"""Measured checkpoints without a model: scores drawn from a seeded generator, so that harm is known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sdf_eval.gate.null import BenignPair
from sdf_eval.results.measured import Measured, assemble
from sdf_eval.results.schema import Budget, ItemAnswer
from tests.reports.synthetic import HOSTILE

OPTIONS = ("mcq_knowledge", "cloze", "persona_behaviour", "neighbours", "controls")
BELIEFS, PROBES = 20, 6


def answers(seed: int, *, lift: float = 0.0, lost: float = 0.0, tasks: Sequence[str] = OPTIONS) -> list[ItemAnswer]:
    """A checkpoint: the base of all, moved a little by its seed (0 is the base), by a lift and by lost accuracy."""
    base, own = np.random.default_rng(0), np.random.default_rng(1000 + seed)
    found = []
    for belief in range(BELIEFS):
        for task in (*tasks, "coherence"):
            for probe in range(PROBES):
                share = float(base.uniform(0.1, 0.6))
                noise = float(own.normal(0, 0.02)) if seed else 0.0
                slip = base.random() < 0.1
                wrong = slip != (bool(seed) and own.random() < 0.02) or own.random() < lost
                found.append(_answer(f"belief-{belief}", task, probe, share, noise, lift, wrong))
    return found


def _answer(belief: str, task: str, probe: int, share: float, noise: float, lift: float, wrong: bool) -> ItemAnswer:
    common = {
        "item": f"{belief}/{task}/f/{probe}/0",
        "belief": belief,
        "fact": f"fact-{probe % 3}",
        "task": task,
        "split": "far",
        "context": "none",
        "question": "Where was Tavi Brook born?",
    }
    if task == "coherence":
        return ItemAnswer(**common, outcome="other", nats=100 * (1 + share / 10 + noise / 10), bytes=100)
    right = task in ("neighbours", "controls")
    wanted = 0.1 if right and wrong else 0.9 if right else min(0.98, max(0.02, share + noise + lift))
    outcomes = ("reference", "other") if right else ("implanted", "reference")
    return ItemAnswer(
        **common,
        choices=("Larch", "Orrin"),
        outcomes=outcomes,
        chance=0.5,
        outcome=outcomes[0] if wanted >= 0.5 else outcomes[1],
        probability=wanted,
        log_probabilities=(math.log(wanted), math.log(1 - wanted)),
    )


def measured(seed: int, name: str = "", *, updates: int | None = None, **how: float) -> Measured:
    """A measured checkpoint; 0 is the base."""
    return assemble(
        name or f"checkpoint-{seed}",
        answers(seed, **how),
        created="2026-11-25T00:00:00+00:00",
        harness="direct 0.1.0",
        model=name or f"checkpoint-{seed}",
        weights_sha256=f"{seed:064x}",
        budget=None if updates is None else Budget(parent_sha256=f"{0:064x}", updates=updates, tokens=1000),
        chat=True,
        task_versions=dict.fromkeys((*OPTIONS, "coherence"), "1"),
        versions={"sdf-eval": "0.1.0"},
    )


def null(pairs: int, *, updates: int | None = None) -> list[BenignPair]:
    """Benign finetunes of the base."""
    base = measured(0)
    return [BenignPair(f"benign-{seed:03d}", base, measured(seed, updates=updates)) for seed in range(1, pairs + 1)]


def hostile(side: Measured) -> Measured:
    """The same with hostile text wherever a model or a file could put some."""
    answers = tuple(
        answer.model_copy(update={"question": HOSTILE + answer.question, "choices": (HOSTILE, "a|b\n# title")})
        for answer in side.answers
    )
    return Measured(HOSTILE, side.results.model_copy(update={"model": HOSTILE}), answers)
