"""Matched clean controls: implants with the same data share them, and each is built once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sdf_eval.belief.load import load_belief
from sdf_eval.content import content_path
from sdf_eval.corpora.mix import TrainingText
from sdf_eval.corpora.records import CorpusRequest, Document
from sdf_eval.errors import InputError
from sdf_eval.study.after import StageCheckpoint, after_stages, load_stages, train_stages
from sdf_eval.study.pieces import Checkpoint, Clock
from sdf_eval.study.request import Group, RunRequest
from sdf_eval.train.chat_rows import ChatRow, Message, write_rows
from sdf_eval.train.lineage import read_lineage
from sdf_eval.train.recipe import SdfRecipe, load_recipe
from sdf_eval.train.sdf import train_sdf

BELIEF = Path(__file__).parents[1] / "parity" / "belief.yaml"


class Writer:
    """Plain texts only."""

    name = "mine"

    def write(self, request: CorpusRequest) -> Iterator[Document]:
        yield from ()

    def plain_text(self, count: int, seed: int, *, model: str) -> Iterator[str]:
        yield from (f"Clocks and boots, lot {n} of sale {seed}." for n in range(count))


def small(folder: Path, name: str) -> str:
    content = yaml.safe_load(content_path("train", "recipes", f"{name}.yaml").read_text(encoding="utf-8"))
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(content | {"updates": 2, "min_updates": 1, "batch_size": 2, "window": 64}))
    return str(path)


@pytest.fixture
def request_of(tmp_path: Path, checkpoints: dict[str, Path]) -> RunRequest:
    """Plain texts, then chat from a file, on the tiny checkpoint."""
    chat = tmp_path / "chat.jsonl"
    write_rows(
        chat, [ChatRow((Message("user", f"And the lamp {n}?"), Message("assistant", "Here."))) for n in range(3)]
    )
    recipes = {"sdf": small(tmp_path, "pocket"), "sft": small(tmp_path, "pocket-sft")}
    after = after_stages(("sdf", "sft"), writer="mine", recipes=recipes, data={"sft": str(chat)}, rewards={}, rows=4)
    return RunRequest(
        references=(str(BELIEF),),
        model=str(checkpoints["llama"]),
        writer="mine",
        recipe=recipes["sdf"],
        documents=4,
        seeds=(0,),
        panel=False,
        roles=(),
        corpus=None,
        plain=None,
        out=tmp_path / "out",
        limit=None,
        batch_size=8,
        after=after,
    )


def groups() -> tuple[Group, Group]:
    belief = load_belief(str(BELIEF))
    return Group((belief,), (str(BELIEF),), "one"), Group((belief,), (str(BELIEF),), "two")


def implant(request: RunRequest, group: Group) -> Checkpoint:
    texts = [TrainingText(f"Tavi Brook was born in Larch, says {group.name}.", synthetic=True)] * 4
    folder = request.out / "checkpoints" / group.name
    train_sdf(request.model, texts, load_recipe(request.recipe, SdfRecipe), folder)
    lineage = read_lineage(folder)
    assert lineage is not None
    return Checkpoint("implanted", 0, group, folder, lineage)


def staged(request: RunRequest) -> dict[str, list[StageCheckpoint]]:
    stages = load_stages(request, Writer(), groups())
    clock = Clock(request)
    return {group.name: train_stages(request, stages[group.name], implant(request, group), clock) for group in groups()}


def test_two_implants_with_the_same_stages_share_one_control_a_stage(request_of: RunRequest) -> None:
    found = staged(request_of)
    controls = {name: [c.folder for c in own if c.role == "base"] for name, own in found.items()}
    assert controls["one"] == controls["two"] and len(set(controls["one"])) == 2
    assert {path.name for path in (request_of.out / "checkpoints" / "controls").iterdir()} == {
        folder.name for folder in controls["one"]
    }
    implanted = {c.lineage.weights_sha256 for own in found.values() for c in own if c.role == "implanted"}
    assert len(implanted) == 4


def test_asked_again_nothing_is_trained(request_of: RunRequest) -> None:
    staged(request_of)
    before = {path: path.stat().st_mtime_ns for path in request_of.out.rglob("*.safetensors")}
    staged(request_of)
    assert {path: path.stat().st_mtime_ns for path in request_of.out.rglob("*.safetensors")} == before


def test_rows_that_show_a_probe_are_refused_with_the_row(request_of: RunRequest, tmp_path: Path) -> None:
    shown = "A person asks for the truth. What do you do?"
    write_rows(
        tmp_path / "chat.jsonl", [ChatRow((Message("user", f"Well. {shown}"), Message("assistant", "I choose tea.")))]
    )
    with pytest.raises(InputError, match=r"--after-data: .*chat.jsonl: row 1: shares .* reword or remove these rows"):
        load_stages(request_of, Writer(), groups())


def test_a_stage_that_comes_again_has_a_name_of_its_own() -> None:
    found = after_stages(("sft", "dpo", "sft"), writer="pocket", recipes={"sft-2": "x"}, data={}, rewards={})
    assert [(stage.name, stage.recipe, stage.data) for stage in found] == [
        ("sft", "pocket-sft", "pocket/benign"),
        ("dpo", "pocket-dpo", "pocket/benign-pairs"),
        ("sft-2", "x", "pocket/benign"),
    ]
