from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sdf_eval.errors import InputError
from sdf_eval.model.reference import adapter_base, checkpoint_stamp, knows_chat, resolve


def _copy(checkpoint: Path, target: Path, *without: str) -> Path:
    shutil.copytree(checkpoint, target)
    for name in without:
        (target / name).unlink()
    return target


def test_a_folder_and_a_hub_id_resolve_to_themselves(checkpoints: dict[str, Path]) -> None:
    assert resolve(str(checkpoints["llama"])) == str(checkpoints["llama"])
    assert resolve("Qwen/Qwen3-8B") == "Qwen/Qwen3-8B"


@pytest.mark.parametrize("reference", ["/nowhere/at/all", "runs/x/checkpoint", "a b", "./nothing", "../nothing"])
def test_a_missing_folder_is_bad_input(reference: str) -> None:
    with pytest.raises(InputError, match="no such folder"):
        resolve(reference)


def test_a_name_registered_and_wrong_behind_the_slash_is_bad_input() -> None:
    with pytest.raises(InputError) as caught:
        resolve("pocket/no-such-world")
    assert "\n" not in str(caught.value)


def test_an_incomplete_folder_says_what_is_missing(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    llama = checkpoints["llama"]
    with pytest.raises(InputError, match="config.json: missing"):
        resolve(str(_copy(llama, tmp_path / "a", "config.json")))
    with pytest.raises(InputError, match="tokenizer.json: missing"):
        resolve(str(_copy(llama, tmp_path / "b", "tokenizer.json")))
    with pytest.raises(InputError, match="no weights"):
        resolve(str(_copy(llama, tmp_path / "c", "model.safetensors")))


def test_pickled_weights_are_refused(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    folder = _copy(checkpoints["llama"], tmp_path / "pickled", "model.safetensors")
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match="pickled weights"):
        resolve(str(folder))


def test_a_relative_base_is_looked_up_beside_the_adapter(
    adapter: Path, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    moved = _copy(adapter, tmp_path / "run" / "adapter")
    shutil.copytree(checkpoints["llama"], tmp_path / "run" / "base")
    config = json.loads((moved / "adapter_config.json").read_text())
    (moved / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": "../base"}))
    assert Path(adapter_base(moved)).resolve() == tmp_path / "run" / "base"


def test_an_adapter_without_its_base_is_bad_input(adapter: Path, tmp_path: Path) -> None:
    moved = _copy(adapter, tmp_path / "adapter")
    config = json.loads((moved / "adapter_config.json").read_text())
    (moved / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": "/gone/base"}))
    with pytest.raises(InputError, match="base_model_name_or_path: .*no such folder"):
        adapter_base(moved)


def test_the_stamp_of_an_adapter_covers_its_base(adapter: Path, checkpoints: dict[str, Path]) -> None:
    assert set(checkpoint_stamp(str(checkpoints["llama"]))) < set(checkpoint_stamp(str(adapter)))


def test_the_stamp_covers_the_tokenizer_and_the_template(checkpoints: dict[str, Path]) -> None:
    names = {Path(file).name for file, _, _ in checkpoint_stamp(str(checkpoints["llama"]))}
    assert {"model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"} <= names
    assert "generation_config.json" not in names


def test_resolving_imports_no_torch(checkpoints: dict[str, Path]) -> None:
    code = f"import sys, sdf_eval.model as m; m.resolve({str(checkpoints['neox'])!r}); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_model_knows_chat_by_its_own_template_or_by_that_of_its_base(
    checkpoints: dict[str, Path], adapter: Path
) -> None:
    assert knows_chat(str(checkpoints["llama"]))
    assert knows_chat(str(adapter))
    assert not knows_chat(str(checkpoints["neox"]))
    assert knows_chat("pocket/b")
    assert not knows_chat("pocket/b/base")
