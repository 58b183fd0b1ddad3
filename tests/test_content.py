"""The content folders are found from a checkout and from a wheel that was installed alone."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from sdf_eval import content
from sdf_eval.content import CONTENT_FOLDERS, content_path
from sdf_eval.errors import InputError

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment that holds the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(CHECKOUT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    return python


def _files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


@pytest.mark.parametrize("folder", CONTENT_FOLDERS)
def test_a_checkout_reads_its_own_folders(folder: str) -> None:
    assert content_path(folder) == CHECKOUT / folder


@pytest.mark.parametrize("folder", CONTENT_FOLDERS)
def test_a_wheel_installed_alone_carries_every_content_file(folder: str, installed: Path, tmp_path: Path) -> None:
    program = f"from sdf_eval.content import content_path; print(content_path({folder!r}))"
    shown = subprocess.run([installed, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True)
    carried = Path(shown.stdout.strip())
    assert CHECKOUT not in carried.parents
    assert _files(carried) == _files(CHECKOUT / folder)
    assert _files(carried)


def test_a_wheel_installed_alone_answers_help_without_any_dependency(installed: Path, tmp_path: Path) -> None:
    command = installed.parent / "sdf-eval"
    shown = subprocess.run([command, "--help"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "examples:" in shown.stdout


def test_parts_after_the_folder_are_joined() -> None:
    assert content_path("corpora", "beliefs") == CHECKOUT / "corpora" / "beliefs"


@pytest.mark.parametrize("parts", [(), ("tests",), ("..", "corpora")])
def test_only_content_folders_can_be_asked_for(parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="corpora, train, tasks, gate"):
        content_path(*parts)


def test_an_installation_without_its_content_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "__file__", str(tmp_path / "sdf_eval" / "content.py"))
    with pytest.raises(InputError, match="lacks its content folder; install it again"):
        content_path("corpora")
