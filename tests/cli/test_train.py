from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from sdf_eval.cli.main import main
from sdf_eval.content import content_path
from sdf_eval.corpora.mix import TrainingText
from sdf_eval.train.chat_rows import ChatRow, Message, PreferenceRow, PromptRow, write_rows
from sdf_eval.train.lineage import read_lineage
from sdf_eval.train.recipe import SdfRecipe, load_recipe
from sdf_eval.train.sdf import train_sdf

ASKED = (Message("user", "Where is Tavi?"),)


def recipe(folder: Path, name: str, **changes: Any) -> str:
    """A shipped recipe, made small."""
    content = yaml.safe_load(content_path("train", "recipes", f"{name}.yaml").read_text(encoding="utf-8"))
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(content | {"updates": 2, "min_updates": 1, "window": 64, "batch_size": 2} | changes))
    return str(path)


@pytest.fixture
def data(tmp_path: Path) -> dict[str, str]:
    """A file of each kind of rows."""
    rows: dict[str, list[Any]] = {
        "chat": [
            ChatRow((*ASKED, Message("assistant", "In Orrin."))),
            ChatRow((*ASKED, Message("assistant", "Here."))),
        ],
        "pairs": [PreferenceRow(ASKED, "In Orrin.", "In Larch."), PreferenceRow(ASKED, "Here.", "There.")],
        "prompts": [PromptRow(ASKED, ("Orrin",)), PromptRow((Message("user", "And the moss?"),), ("night",))],
    }
    for name, content in rows.items():
        write_rows(tmp_path / f"{name}.jsonl", content)
    (tmp_path / "plain.jsonl").write_text("".join(json.dumps({"text": f"The moss, {n}."}) + "\n" for n in range(4)))
    return {name: str(tmp_path / f"{name}.jsonl") for name in (*rows, "plain")}


def explained(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main(["train", *words, "--explain", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def read(row: Any, *, loss: bool) -> str:
    return "".join(token["token"] for token in row["tokens"] if token["loss"] is loss)


def test_explain_shows_the_mask_the_budget_and_the_needs_of_an_sft_stage(
    checkpoints: dict[str, Path], data: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        recipe(tmp_path, "pocket-sft", min_updates=50),
        "--model",
        str(checkpoints["llama"]),
        "--data",
        data["chat"],
    ]
    shown = explained(capsys, *words)
    assert (shown["rows"], shown["updates"], shown["windows"], shown["few_updates"]) == (2, 2, 4, True)
    assert {read(row, loss=True) for row in shown["rows_shown"]} == {"In Orrin.<|im_end|>", "Here.<|im_end|>"}
    estimate = shown["estimate"]
    assert estimate["parameters"] == estimate["trained_parameters"] > 0
    # Weights, gradients and two moments in float32 are the least of it.
    assert estimate["memory_bytes"] > 16 * estimate["parameters"]
    assert estimate["flops"] == 6 * estimate["parameters"] * shown["tokens"]
    assert main(["train", *words, "--explain"]) == 0
    assert "fewer updates than min_updates 50" in capsys.readouterr().out


def test_explain_shows_both_sides_of_a_pair_and_the_prompts_of_rl(
    checkpoints: dict[str, Path], data: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--model", str(checkpoints["llama"])]
    for name in ("pocket-dpo", "pocket-reward"):
        pairs = explained(capsys, recipe(tmp_path, name), *model, "--data", data["pairs"])
        assert [row["name"] for row in pairs["rows_shown"][:2]] == ["chosen 1", "rejected 1"]
        assert read(pairs["rows_shown"][0], loss=True) in {"In Orrin.<|im_end|>", "Here.<|im_end|>"}
    rl = explained(capsys, recipe(tmp_path, "pocket-grpo", window=128), *model, "--data", data["prompts"])
    assert rl["updates"] == 2 and read(rl["rows_shown"][0], loss=False).endswith("assistant\n")


def test_explain_counts_the_parameters_of_an_adapter(
    checkpoints: dict[str, Path], data: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    path, base = recipe(tmp_path, "pocket-lora"), str(checkpoints["llama"])
    shown = explained(capsys, path, "--model", base, "--plain", data["plain"])
    out = train_sdf(base, [TrainingText("The moss.")] * 4, load_recipe(path, SdfRecipe), tmp_path / "out")
    adapted = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), out)
    counted = sum(weight.numel() for name, weight in adapted.named_parameters() if "lora_" in name)
    assert shown["estimate"]["trained_parameters"] == counted


def test_sft_by_command_with_checkpoints_on_the_way_and_a_control(
    checkpoints: dict[str, Path], data: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    documents = [TrainingText("Tavi was born in Larch.", synthetic=True)] * 4
    sdf = load_recipe(recipe(tmp_path, "pocket"), SdfRecipe)
    implanted = train_sdf(str(checkpoints["llama"]), documents, sdf, tmp_path / "implanted")
    out = tmp_path / "out"
    words = [
        "train",
        recipe(tmp_path, "pocket-sft"),
        "--model",
        str(implanted),
        "--data",
        data["chat"],
        "--out",
        str(out),
    ]
    assert main([*words, "--control", "--save-at", "updates:1", "tokens:20"]) == 0
    (control,) = (line.split(": ", 1)[1] for line in capsys.readouterr().out.splitlines() if "control" in line)
    lineage = read_lineage(control)
    assert lineage is not None and lineage.parents[0].reference == str(checkpoints["llama"])
    assert {path.name for path in tmp_path.iterdir() if "@" in path.name} == {"out@updates-1", "out@tokens-20"}


def test_continued_pretraining_reads_plain_texts_alone(
    checkpoints: dict[str, Path], data: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", recipe(tmp_path, "pocket"), "--model", str(checkpoints["llama"]), "--plain", data["plain"]]
    assert main([*words, "--out", str(tmp_path / "out"), "--json"]) == 0
    lineage = json.loads(capsys.readouterr().out)
    assert (lineage["texts"], lineage["corpora"], lineage["details"]) == (4, [], {"documents": 0})


@pytest.mark.parametrize(
    ("name", "words", "problem"),
    [
        ("pocket", [], "--corpus: missing"),
        ("pocket", ["--data", "x"], "--data: is for chat data"),
        ("pocket-sft", [], "--data: missing"),
        ("pocket-sft", ["--plain", "3", "--data", "x"], "--plain: is for stage sdf"),
        ("pocket-sft", ["--data", "CHAT", "--reward", "brevity"], "--reward: is for stage rl"),
        ("pocket-sft", ["--data", "CHAT", "--out", "o", "--control"], "--control: nothing was implanted"),
        ("pocket-sft", ["--data", "CHAT", "--save-at", "10"], "--save-at: 10: names no unit"),
        ("pocket-sft", ["--data", "PAIRS"], "no message of the assistant"),
        ("pocket-grpo", ["--data", "PROMPTS", "--out", "o"], "--reward: missing"),
        ("pocket-grpo", ["--data", "PROMPTS", "--reward", "brevity=x"], "its weight is no number"),
    ],
)
def test_what_does_not_fit_a_stage_is_bad_input(
    checkpoints: dict[str, Path],
    data: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    words: list[str],
    problem: str,
) -> None:
    files = {"CHAT": data["chat"], "PAIRS": data["pairs"], "PROMPTS": data["prompts"], "o": str(tmp_path / "o")}
    given = [files.get(word, word) for word in words]
    assert main(["train", recipe(tmp_path, name, window=128), "--model", str(checkpoints["llama"]), *given]) == 2
    assert problem in capsys.readouterr().err


def test_a_recipe_of_an_unknown_stage_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", recipe(tmp_path, "pocket-sft", stage="sftt")]) == 2
    assert "stage: unknown, found 'sftt'; did you mean 'sft'?" in capsys.readouterr().err
