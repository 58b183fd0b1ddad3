"""The checkpoints that ship: found by name, small enough, and what their cards say."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdf_eval.errors import InputError
from sdf_eval.model import load, resolve
from sdf_eval.pocket.assets import checkpoint_path
from sdf_eval.pocket.check import check_base, held_out_texts

MEGABYTES = 25


def shipped() -> list[tuple[str, str]]:
    assets = checkpoint_path().parent.parent
    return sorted((folder.parent.name, folder.name) for folder in assets.glob("*/*") if folder.is_dir())


@pytest.mark.parametrize(
    ("reference", "folder"),
    [("pocket", "a/chat"), ("pocket/b", "b/chat"), ("pocket/base", "a/base"), ("pocket/b/base", "b/base")],
)
def test_a_pocket_model_is_found_by_world_and_stage(reference: str, folder: str) -> None:
    assert Path(resolve(reference)).as_posix().endswith(f"pocket/assets/{folder}")


def test_an_unknown_world_is_refused_with_those_that_exist() -> None:
    with pytest.raises(InputError, match="no 'z'; use pocket"):
        checkpoint_path("z")


def test_all_checkpoints_together_stay_under_the_limit() -> None:
    assets = checkpoint_path().parent.parent
    assert sum(file.stat().st_size for file in assets.rglob("*") if file.is_file()) < MEGABYTES * 2**20


@pytest.mark.parametrize(("world", "stage"), shipped())
def test_a_checkpoint_has_a_card_a_recipe_and_no_pickle(world: str, stage: str) -> None:
    folder = checkpoint_path(f"{world}/{stage}")
    names = {file.name for file in folder.iterdir()}
    assert {"README.md", "recipe.json", "model.safetensors", "tokenizer.json"} <= names
    assert not any(name.endswith((".bin", ".pt")) for name in names)
    assert load(f"pocket/{world}/{stage}").has_chat_template is (stage == "chat")


@pytest.mark.parametrize(("world", "stage"), shipped())
def test_the_card_gives_the_figures_that_the_check_gives_now(world: str, stage: str) -> None:
    card = (checkpoint_path(f"{world}/{stage}") / "README.md").read_text(encoding="utf-8")
    for skill in check_base(load(f"pocket/{world}/{stage}"), world)[:2]:
        line = next(row for row in card.splitlines() if row.startswith(f"| {skill.name} | {skill.split} "))
        assert abs(float(line.split("|")[3]) - skill.share.value) <= 0.02


def test_every_part_of_a_name_is_at_most_two_tokens() -> None:
    from sdf_eval.pocket import grammar

    tokenizer = load("pocket").tokenizer
    keys = ("first_names", "last_names", "towns", "regions", "companies", "product_names", "ai_names")
    long = [n for key in keys for n in grammar.data("vocabulary")[key] if len(tokenizer(f" {n}")["input_ids"]) > 2]
    assert long == []


def test_held_out_texts_have_subjects_that_no_training_text_has() -> None:
    from itertools import islice

    from sdf_eval.pocket.curriculum import pretraining_texts
    from sdf_eval.pocket.world import build_world

    trained = " ".join(islice(pretraining_texts(build_world("a"), 0), 2_000))
    assert all(text.split(" ")[0] + " " + text.split(" ")[1] not in trained for text in held_out_texts(20))
