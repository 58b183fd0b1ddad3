from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sdf_eval.results.schema import RunResults
from sdf_eval.results.store import read_items, read_results
from tests.study.plugin import install

BELIEF = Path(__file__).parents[1] / "parity" / "belief.yaml"


class Workplace:
    """A folder with a writer plugin, a recipe and a tiny checkpoint, in which `sdf-eval run` is called as a command."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder, self.model, self.recipe = folder, model, install(folder)

    def words(self, out: str, *extra: str) -> list[str]:
        # Options of `extra` come last, so that they win; a belief among them comes first, beside the other.
        beliefs = [str(BELIEF), *(word for word in extra if word == str(BELIEF))]
        extra = tuple(word for word in extra if word != str(BELIEF))
        return [
            *(sys.executable, "-m", "sdf_eval", "run", *beliefs, "--model", str(self.model), "--writer", "tiny"),
            *("--recipe", str(self.recipe), "--documents", "24", "--out", str(self.folder / out), *extra),
        ]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "PYTHONPATH": str(self.folder),
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "150",
        }

    def run(self, out: str, *extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.words(out, *extra), env=self.environment, capture_output=True, text=True, cwd=self.folder, check=False
        )


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory, checkpoints: dict[str, Path]) -> Workplace:
    return Workplace(tmp_path_factory.mktemp("workplace"), checkpoints["llama"])


@pytest.fixture(scope="module")
def finished(workplace: Workplace) -> tuple[subprocess.CompletedProcess[str], RunResults]:
    done = workplace.run("done")
    assert done.returncode == 0, done.stderr
    return done, read_results(workplace.folder / "done")


def test_a_run_prints_the_table_and_the_path_of_the_report(finished, workplace: Workplace) -> None:
    done, _ = finished
    assert "Far lift over co-occurrence" in done.stdout
    assert str(workplace.folder / "done" / "report.html") in done.stdout


def test_a_run_measures_every_role_and_context(finished) -> None:
    _, results = finished
    found = {(arm.role, arm.context) for arm in results.arms}
    assert {role for role, context in found if context == "none"} == {
        "base", "implanted", "neutral", "cooccurrence", "truth_trained",
    }  # fmt: skip
    assert {context for role, context in found if role == "base"} == {
        "none", "universe", "documents", "reference", "contradiction",
    }  # fmt: skip
    assert {context for role, context in found if role == "implanted"} == {"none", "reference", "contradiction"}


def test_every_arm_answers_identical_items(finished, workplace: Workplace) -> None:
    _, results = finished
    items = read_items(workplace.folder / "done", results)
    belief_items = {
        (arm.role, arm.context): {
            i.item for i in items if (i.role, i.context) == (arm.role, arm.context) and i.task == "cloze"
        }
        for arm in results.arms
    }
    assert len({frozenset(ids) for ids in belief_items.values()}) == 1


def test_every_headline_has_n_and_interval_or_a_reason(finished) -> None:
    _, results = finished
    for headline in results.headlines:
        assert headline.undefined if headline.estimate is None else headline.estimate.low < headline.estimate.high
    lift = results.headline("far_lift_cooccurrence")
    assert lift and lift.estimate and lift.estimate.n > 5


def test_both_harnesses_agree_with_the_direct_loop(finished) -> None:
    _, results = finished
    assert {entry.harness.split()[0] for entry in results.agreement} == {"inspect-ai", "lm-eval"}
    assert len(results.agreement) == 4
    assert all(entry.agrees for entry in results.agreement)


def test_the_same_command_again_makes_nothing_new(finished, workplace: Workplace) -> None:
    _, first = finished
    weights = list((workplace.folder / "done" / "checkpoints").rglob("*.safetensors"))
    before = {path: path.stat().st_mtime_ns for path in weights}
    assert workplace.run("done").returncode == 0
    again = read_results(workplace.folder / "done")
    assert {path: path.stat().st_mtime_ns for path in weights} == before
    assert again.model_copy(update={"created": first.created}) == first


def test_a_run_that_is_interrupted_resumes_to_the_same_items(finished, workplace: Workplace) -> None:
    _, whole = finished
    out = workplace.folder / "killed"
    with subprocess.Popen(
        workplace.words("killed"), env=workplace.environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 300
        while not list(out.glob("checkpoints/*/lineage.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    assert not (out / "results.json").exists()
    assert all((folder / "lineage.json").exists() for folder in (out / "checkpoints").glob("[!.]*"))
    shutil.copytree(workplace.folder / "done" / "probes", out / "probes", dirs_exist_ok=True)
    assert workplace.run("killed").returncode == 0
    assert read_results(out).items_sha256 == whole.items_sha256


def test_the_report_is_rendered_again_from_the_results(finished, workplace: Workplace) -> None:
    page = workplace.folder / "done" / "report.html"
    before = page.read_bytes()
    page.unlink()
    done = subprocess.run(
        [sys.executable, "-m", "sdf_eval", "report", str(page.parent)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert page.read_bytes() == before


@pytest.mark.parametrize(
    ("extra", "complaint"),
    [
        (("--documents", "0"), "--documents: 0: must be at least 1"),
        (("--writer", "nobody"), "no such writer"),
        (("--model", "/nowhere/at-all"), "model: /nowhere/at-all"),
        ((str(BELIEF),), "given twice"),
        (("--roles", "implanted,wrong"), "unknown role 'wrong'"),
    ],
)
def test_bad_input_is_one_line_and_status_2(workplace: Workplace, extra: tuple[str, ...], complaint: str) -> None:
    done = workplace.run("bad", *extra)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
