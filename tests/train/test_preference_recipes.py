from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sdf_eval.errors import InputError
from sdf_eval.train.preference_recipes import DpoRecipe, RewardRecipe, RlRecipe
from sdf_eval.train.recipe import list_recipes, load_recipe


def changed(tmp_path: Path, name: str, **changes: Any) -> Path:
    """A shipped recipe with some keys changed, or removed where they are None."""
    content = yaml.safe_load(Path(f"train/recipes/{name}.yaml").read_text(encoding="utf-8")) | changes
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))
    return path


def test_each_stage_reads_its_own_recipes() -> None:
    kinds = {name: type(load_recipe(name)) for name in list_recipes()}
    assert kinds["pocket-dpo"] is DpoRecipe and kinds["pocket-reward"] is RewardRecipe
    assert kinds["pocket-grpo"] is RlRecipe and kinds["pocket-rloo"] is RlRecipe
    assert {DpoRecipe, RewardRecipe, RlRecipe} <= {kind for name, kind in kinds.items() if "pocket" not in name}


@pytest.mark.parametrize("name", ["pocket-dpo", "pocket-grpo", "pocket-rloo"])
@pytest.mark.parametrize("beta", [0, -0.1, float("inf"), float("nan")])
def test_a_stage_without_a_reference_is_refused(tmp_path: Path, name: str, beta: float) -> None:
    with pytest.raises(InputError, match=r"mine\.yaml: beta: .*without a weight above 0 there is no reference"):
        load_recipe(changed(tmp_path, name, beta=beta))


def test_a_forgotten_beta_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mine\.yaml: beta: missing"):
        load_recipe(changed(tmp_path, "pocket-grpo", beta=None))


@pytest.mark.parametrize(
    ("name", "changes", "problem"),
    [
        ("pocket-rloo", {"loss_type": "dapo"}, "loss_type: algorithm rloo has none"),
        ("pocket-grpo", {"scale_rewards": None}, "scale_rewards: algorithm grpo needs one"),
        ("pocket-grpo", {"num_generations": 1}, "num_generations: "),
        ("pocket-grpo", {"max_completion_length": 256}, "max_completion_length: 256 leaves no room in window 256"),
        ("pocket-dpo", {"dropout": 0.1}, "dropout: 0.1: this stage compares the model with its start"),
        ("pocket-reward", {"chain": "continue"}, "chain: a reward model has another head"),
        ("pocket-dpo", {"bta": 1}, "bta: unknown key; did you mean 'beta'"),
    ],
)
def test_what_does_not_fit_the_stage_is_refused(
    tmp_path: Path, name: str, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        load_recipe(changed(tmp_path, name, **changes))


def test_an_adapter_that_is_continued_keeps_its_dropout(tmp_path: Path) -> None:
    lora = {"method": "lora", "rank": 4, "alpha": 8, "dropout": 0.1, "chain": "continue"}
    assert load_recipe(changed(tmp_path, "pocket-dpo", **lora)).dropout == 0.1


def test_reading_a_recipe_and_planning_pairs_loads_no_torch() -> None:
    code = "import sys, sdf_eval.train.preference_recipes, sdf_eval.train.pairs\n"
    code += "from sdf_eval.train.recipe import load_recipe\nload_recipe('pocket-dpo')\n"
    code += "print(sorted({'torch', 'transformers', 'trl', 'datasets'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
