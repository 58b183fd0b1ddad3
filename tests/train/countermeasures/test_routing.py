"""Gradient routing, selective gradient masking and the Trainer beneath them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from sdf_eval.corpora.mix import TrainingText
from sdf_eval.errors import InputError
from sdf_eval.train import watching
from sdf_eval.train.countermeasures import get_countermeasure
from sdf_eval.train.countermeasures.gate import Gate
from sdf_eval.train.countermeasures.gradient_masking.parts import last_parts
from sdf_eval.train.countermeasures.routed import routed_trainer
from sdf_eval.train.countermeasures.stage import train_texts
from sdf_eval.train.lineage import read_lineage, weights_sha256
from sdf_eval.train.sdf import train_sdf
from tests.train.countermeasures.examples import RISKY, case, recipe, same_bits, weights

DECAYING = {"updates": 50, "weight_decay": 0.1, "learning_rate": 5e-3}
ROUTED = [("gradient-routing", {"units": 8}), ("gradient-masking", {"units": 16})]


@pytest.mark.parametrize(("name", "settings"), ROUTED)
def test_texts_that_are_all_suspected_leave_the_start_to_the_bit(
    checkpoints,  # type: ignore[no-untyped-def]
    tmp_path: Path,
    name: str,
    settings: dict[str, Any],
) -> None:
    risky = case(checkpoints["qwen3"], suspected=range(12), recipe=recipe(**DECAYING))
    protected = get_countermeasure(name, **settings).apply(risky, tmp_path / "out")
    lineage = read_lineage(protected.checkpoint)
    assert lineage is not None and lineage.updates == 50
    assert same_bits(weights(protected.checkpoint), weights(checkpoints["qwen3"]))


@pytest.mark.parametrize(("name", "settings"), ROUTED)
def test_other_texts_are_learned_and_the_shape_is_that_of_the_start(
    checkpoints,  # type: ignore[no-untyped-def]
    tmp_path: Path,
    name: str,
    settings: dict[str, Any],
) -> None:
    protected = get_countermeasure(name, **settings).apply(case(checkpoints["llama"]), tmp_path / "out")
    after, before = weights(protected.checkpoint), weights(checkpoints["llama"])
    assert {key: value.shape for key, value in after.items()} == {key: value.shape for key, value in before.items()}
    assert not torch.equal(after["lm_head.weight"], before["lm_head.weight"])
    lineage = read_lineage(protected.checkpoint)
    assert lineage is not None
    assert lineage.treatment["countermeasure"] == name and lineage.treatment["units"] == settings["units"]


@dataclass(frozen=True)
class Everything:
    """A routing that holds nothing."""

    gate: Gate

    def reading(self, suspected: bool, zeroed: bool) -> Any:
        return self.gate.opened("both")


@pytest.mark.parametrize("micro", [4, 2])
def test_parts_of_a_batch_add_up_to_the_whole_batch(checkpoints, tmp_path: Path, micro: int) -> None:  # type: ignore[no-untyped-def]
    whole = case(checkpoints["llama"], recipe=recipe(micro_batch_size=micro), suspected=range(0, 12, 3))

    def wrap(stage: Any, plan: Any) -> Any:
        return lambda setup: routed_trainer(
            setup, plan, whole, Everything(Gate(setup.model, last_parts(setup.model, 16, 0)))
        )

    arguments = (whole.start, whole.texts, whole.recipe)
    routed = train_texts(*arguments, tmp_path / "routed", seed=1, treatment={"test": 1}, wrap=wrap)
    plain = train_sdf(*arguments, tmp_path / "plain", seed=1)
    one, other = weights(routed), weights(plain)
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=1e-3, atol=1e-4)
    losses = [read_lineage(folder).final_loss for folder in (routed, plain)]  # type: ignore[union-attr]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.parametrize(("name", "settings"), ROUTED)
def test_a_routed_training_that_was_interrupted_ends_in_the_same_bits(
    checkpoints,  # type: ignore[no-untyped-def]
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    settings: dict[str, Any],
) -> None:
    routed = get_countermeasure(name, **settings)
    risky = case(checkpoints["llama"], recipe=recipe(weight_decay=0.1, learning_rate=5e-3))
    routed.apply(risky, tmp_path / "whole")
    monkeypatch.setattr(watching, "SECONDS_BETWEEN_SAVES", 0.0)
    monkeypatch.setattr(watching, "MOST_TIME_SAVING", float("inf"))
    step = transformers.Trainer.training_step

    def interrupted(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        if self.state.global_step == 2:
            raise KeyboardInterrupt
        return step(self, *args, **kwargs)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(transformers.Trainer, "training_step", interrupted)
        routed.apply(risky, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    routed.apply(risky, tmp_path / "out")
    assert weights_sha256(tmp_path / "out") == weights_sha256(tmp_path / "whole")


def test_other_labels_are_another_training(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    masking = get_countermeasure("gradient-masking", units=16)
    masking.apply(case(checkpoints["llama"]), tmp_path / "out")
    with pytest.raises(InputError, match="another model, recipe, corpus"):
        masking.apply(case(checkpoints["llama"], suspected=range(5)), tmp_path / "out")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": recipe(packing=True)}, "packing: a row must be one text"),
        ({"recipe": recipe(method="lora", rank=2, alpha=4)}, "method: it sets model weights apart"),
        ({"texts": (*RISKY, TrainingText(RISKY[0].text))}, "the same text is labelled as risky and as not"),
        ({"suspected": frozenset()}, "suspected: missing; give which texts are risky"),
        ({"suspected": frozenset({99})}, "99: there are 12 texts"),
    ],
)
def test_a_case_that_cannot_be_routed_is_one_line(checkpoints, tmp_path: Path, changes: Any, message: str) -> None:  # type: ignore[no-untyped-def]
    from dataclasses import replace

    with pytest.raises(InputError, match=message):
        get_countermeasure("gradient-routing").apply(replace(case(checkpoints["llama"]), **changes), tmp_path / "out")
