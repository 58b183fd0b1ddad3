"""Which world a checkpoint grew up in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sdf_eval.corpora.mix import TrainingText
from sdf_eval.errors import InputError
from sdf_eval.model import resolve
from sdf_eval.pocket.origin import Origin, origin
from sdf_eval.train.recipe import load_recipe
from sdf_eval.train.sdf import train_sdf


@pytest.fixture
def finetuned(tmp_path: Path) -> Path:
    start = tmp_path / "start"
    shutil.copytree(resolve("pocket/b"), start)
    recipe = load_recipe("pocket").model_copy(update={"updates": 1, "min_updates": 1, "batch_size": 2})
    return train_sdf(str(start), [TrainingText("A dog barked."), TrainingText("Rain fell.")], recipe, tmp_path / "end")


def test_a_shipped_model_names_its_world_and_whether_it_knows_chat() -> None:
    assert origin("pocket/c") == Origin("c", chat=True)
    assert origin("pocket/b/base") == Origin("b", chat=False)


def test_a_finetuned_model_is_of_the_world_of_what_it_was_trained_from(finetuned: Path) -> None:
    assert not (finetuned / "recipe.json").exists()
    assert origin(str(finetuned)) == Origin("b", chat=True)


def test_a_model_from_elsewhere_has_no_world(checkpoints: dict[str, Path]) -> None:
    assert origin(str(checkpoints["qwen3"])) is None
    assert origin("Qwen/Qwen3-8B") is None


def test_a_finetuned_model_whose_start_is_gone_is_refused_with_a_way_out(finetuned: Path) -> None:
    shutil.rmtree(json.loads((finetuned / "lineage.json").read_text())["parents"][0]["reference"])
    with pytest.raises(InputError, match="--plain FILE"):
        origin(str(finetuned))
