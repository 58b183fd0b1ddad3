"""Curves from answers: what is planted is found, and save-points of one training make one curve."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdf_eval.corpora.mix import TrainingText
from sdf_eval.errors import InputError
from sdf_eval.measure import Bound, Estimate
from sdf_eval.reports.persistence import half_life_text
from sdf_eval.results.direct import Battery, measure_checkpoint
from sdf_eval.results.schema import ItemRecord
from sdf_eval.results.stages import PersistenceCurve
from sdf_eval.study.lineages import lineage_curves
from sdf_eval.study.persistence import Step, persistence_curves
from sdf_eval.train.chat_rows import ChatRow, Message
from sdf_eval.train.control import matched_control
from sdf_eval.train.recipe import SdfRecipe, SftRecipe
from sdf_eval.train.save_at import parse_save_at
from sdf_eval.train.sdf import train_sdf
from sdf_eval.train.sft import train_sft

BELIEF = Path(__file__).parents[1] / "parity" / "belief.yaml"
COMMON: dict[str, Any] = {
    "source": "a test",
    "method": "full",
    "learning_rate": 1e-3,
    "schedule": "linear",
    "warmup": 0.1,
    "weight_decay": 0.0,
    "batch_size": 2,
    "min_updates": 1,
    "window": 64,
    "packing": False,
    "dtype": "float32",
    "gradient_checkpointing": False,
}


def answers(rate: float, seed: int) -> list[ItemRecord]:
    """Cloze answers on 16 beliefs, far, of about that belief score."""
    rng = np.random.default_rng(seed)
    found = []
    for belief in range(16):
        for probe in range(4):
            share = float(np.clip(rng.normal(rate, 0.03), 0.002, 0.998))
            found.append(
                ItemRecord(
                    item=f"b{belief}/cloze/f/far{probe}/0",
                    belief=f"b{belief}",
                    fact=f"f{probe % 2}",
                    task="cloze",
                    split="far",
                    context="none",
                    question="The town of her birth:",
                    choices=("Larch", "Orrin"),
                    outcomes=("implanted", "reference"),
                    outcome="implanted" if share > 0.5 else "reference",
                    probability=share,
                    log_probabilities=(math.log(share), math.log(1 - share)),
                    role="implanted",
                    run="",
                )
            )
    return found


def curve(rates: list[tuple[str, float, float]]) -> PersistenceCurve:
    """The curve of (kind, tokens, belief score) points whose control has a score of 0.1."""
    steps = [
        Step(kind and f"{kind} {n}", kind, tokens, tokens, answers(rate, n), answers(0.1, 90 + n), [""] * 64)
        for n, (kind, tokens, rate) in enumerate(rates)
    ]
    (found,) = persistence_curves(steps)
    return found


def test_lift_and_retention_are_those_that_were_planted() -> None:
    found = curve([("", 0, 0.9), ("sft", 100, 0.5), ("dpo", 200, 0.1)])
    assert found.tasks == ("cloze",)
    implant, half, gone = found.points
    assert implant.lift.holds(0.8) and implant.retention is None and implant.undefined is None
    # Log-odds of 0.5 over 0.1, as a share of those of 0.9 over 0.1.
    assert half.lift.holds(0.4) and half.retention and half.retention.value == pytest.approx(0.5, abs=0.03)
    assert half.raw_retention and half.raw_retention.holds(0.5)
    assert gone.retention and gone.retention.holds(0.0)
    assert gone.lift.n == 64 and gone.lift.method == "t over 16 beliefs"


def test_one_kind_of_training_with_four_budgets_has_a_half_life() -> None:
    def rate(tokens: float) -> float:
        # Log-odds over the control that halve every 1000 tokens.
        lift = 2 * math.log(9) * 2 ** (-tokens / 1000)
        return 1 / (1 + math.exp(math.log(9) - lift))

    budgets = (0, 500, 1000, 2000, 4000, 8000)
    found = curve([("sft" if tokens else "", tokens, rate(tokens)) for tokens in budgets])
    assert isinstance(found.half_life, Estimate) and found.half_life.holds(1000)
    assert found.floor is not None and found.floor.low < 0.05
    assert "tokens; floor" in half_life_text(found)


def test_without_one_budget_the_curve_says_why_it_has_no_half_life() -> None:
    mixed = curve([("", 0, 0.9), ("sft", 100, 0.6), ("dpo", 200, 0.4), ("rl", 300, 0.3)])
    assert mixed.half_life is None and mixed.half_life_undefined is not None
    assert "tokens of sft and dpo and rl do not compare" in mixed.half_life_undefined
    short = curve([("", 0, 0.9), ("sft", 100, 0.6)])
    assert short.half_life_undefined == "needs 4 growing budgets, and there are 2"


def test_a_belief_that_never_went_in_has_no_retention_and_says_so() -> None:
    found = curve([("", 0, 0.1), ("sft", 100, 0.1)])
    assert found.points[1].retention is None
    assert "nothing to keep" in (found.points[1].undefined or "")


def test_an_open_half_life_is_told_as_a_bound() -> None:
    found = curve([("", 0, 0.9), ("sft", 100, 0.6)])
    bound = Bound(500.0, None, 1, 1, "a fit", "the budgets are too short")
    assert half_life_text(found.model_copy(update={"half_life": bound})).endswith("over 500 tokens.")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, checkpoints: dict[str, Path]) -> tuple[Path, Path, Path]:
    """An implant, its sft with two checkpoints on the way, the control; and the answers of each side."""
    folder, start = tmp_path_factory.mktemp("saved"), str(checkpoints["llama"])
    documents = [TrainingText("Tavi Brook was born in Larch.", synthetic=True)] * 4
    implanted = train_sdf(
        start, documents, SdfRecipe(**COMMON, updates=2, mix_ratio=0.0, doctag=None), folder / "implanted"
    )
    rows = [ChatRow((Message("user", "Where is the moss?"), Message("assistant", "In Orrin.")))] * 2
    recipe, points = SftRecipe(**COMMON, updates=3, reasoning="keep"), parse_save_at(["updates:1,2"])

    def train(reference: str, out: Path) -> Path:
        return train_sft(reference, rows, recipe, out, save_at=points)

    sft = train(str(implanted), folder / "sft")
    control = matched_control(sft, start, train)
    battery = Battery((str(BELIEF),), limit=2)
    clean = {*control.parent.glob("sft-*"), checkpoints["llama"]}
    for place in (implanted, *folder.glob("sft*")):
        measure_checkpoint(str(place), battery, folder / "answers")
    for place in clean:
        measure_checkpoint(str(place), battery, folder / "clean")
    return folder, folder / "answers", folder / "clean"


def test_save_points_of_one_training_are_points_of_one_curve(saved: tuple[Path, Path, Path]) -> None:
    folder, *answered = saved
    sources = [place for each in answered for place in each.iterdir()]
    (found,) = lineage_curves([str(folder / name) for name in ("sft@updates-2", "sft@updates-1", "sft")], sources)
    points = found.curves[0].points
    assert [(point.stage, point.updates) for point in points] == [
        ("", 0), ("sft, 1 updates", 1), ("sft, 2 updates", 2), ("sft", 3),
    ]  # fmt: skip
    assert 0 < points[1].tokens < points[2].tokens < points[3].tokens
    assert found.checkpoints[0] == folder / "implanted"


def test_results_without_the_controls_answers_are_refused_by_name(saved: tuple[Path, Path, Path]) -> None:
    folder, answered, _ = saved
    with pytest.raises(InputError, match=r"no answers of .*llama without context"):
        lineage_curves([str(folder / "sft")], list(answered.iterdir()))


def test_a_checkpoint_outside_a_run_needs_results(saved: tuple[Path, Path, Path]) -> None:
    with pytest.raises(InputError, match="lies in no run"):
        lineage_curves([str(saved[0] / "sft")], [])
