"""The wheel, used by the harnesses' own commands from an empty directory."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
BELIEF = "pocket-fact-osric-abbott-born-in"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment: the wheel, and the dependencies of the environment that runs the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(CHECKOUT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    own = folder / "venv" / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(own), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    asked = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    site = subprocess.run([own, "-c", asked], check=True, capture_output=True, text=True).stdout.strip()
    # A path line adds the dependencies; the checkout's editable install is itself a .pth file and stays unread.
    (Path(site) / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    return own


def _run(python: Path, cwd: Path, *words: str) -> str:
    done = subprocess.run([python, "-m", *words], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _printed(python: Path, program: str) -> str:
    return subprocess.run([python, "-c", program], check=True, capture_output=True, text=True).stdout.strip()


def test_the_package_comes_from_the_wheel(python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = _printed(python, "import sdf_eval; print(sdf_eval.__file__)")
    assert not found.startswith(str(CHECKOUT / "sdf_eval")) and "site-packages" in found


def test_inspect_and_lm_eval_give_the_same_answers_on_pocket_from_an_empty_directory(
    python: Path, tmp_path: Path
) -> None:
    words = ("inspect_ai", "eval", "sdf_eval/mcq_distinguish", "--model", "sdf/pocket", "-T", f"belief={BELIEF}")
    _run(python, tmp_path, *words, "-M", "chat=false", "--log-format", "json", "--display", "none")
    (log,) = (tmp_path / "logs").glob("*.json")
    samples = json.loads(log.read_text(encoding="utf-8"))["samples"]
    model = _printed(python, "from sdf_eval.model import resolve; print(resolve('pocket'))")
    include = _run(python, tmp_path, "sdf_eval", "tasks", "--path").strip()
    arguments = f"pretrained={model},dtype=float32,softmax_dtype=float32"
    metadata = json.dumps({"belief": BELIEF})
    words = ("lm_eval", "run", "--model", "hf", "--model_args", arguments, "--include_path", include)
    _run(
        python, tmp_path, *words, "--tasks", "sdf_eval_mcq_distinguish", "--metadata", metadata,
        "--output_path", str(tmp_path / "out"), "--log_samples", "--device", "cpu",
    )  # fmt: skip
    (results,) = (tmp_path / "out").rglob("results_*.json")
    scores = json.loads(results.read_text(encoding="utf-8"))["results"]["sdf_eval_mcq_distinguish"]
    ours = [value for sample in samples for value in [next(iter(sample["scores"].values()))["value"]]]
    belief = [row["belief"] if isinstance(row, dict) else row for row in ours]
    assert len(belief) == 16
    assert scores["belief,none"] == pytest.approx(sum(belief) / len(belief), abs=1e-6)
    assert scores["belief_stderr,none"] != "N/A"
