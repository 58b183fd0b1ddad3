"""What people do with our logs afterwards, by the harnesses' own commands: view, score again, tabulate."""

from __future__ import annotations

import functools
import http.server
import json
import math
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sdf_eval.content import content_path
from tests.parity.faces import BELIEF
from tests.reports.browser import CHROMEDRIVER, CHROMIUM, browser

INSPECT = str(Path(sys.executable).parent / "inspect")
LM_EVAL = str(Path(sys.executable).parent / "lm_eval")
TASKS = ("mcq_knowledge", "open_ended", "neighbours", "coherence", "self_report", "eval_cue")
"""One of each scorer and readout, and a task with figures of arms."""


def _command(*words: str, cwd: Path) -> str:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def logs(checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the logs of one `inspect eval`."""
    folder = tmp_path_factory.mktemp("inspect")
    words = [INSPECT, "eval", *(f"sdf_eval/{task}" for task in TASKS), "--model", f"sdf/{checkpoints['llama']}"]
    _command(*words, "-T", f"belief={BELIEF}", "--log-dir", "logs", "--display", "none", cwd=folder)
    return folder / "logs"


class _Host(http.server.SimpleHTTPRequestHandler):
    """A static host as those that bundles are put on: it also serves a part of a file, which Python's does not."""

    def do_GET(self) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if wanted is None or not path.is_file():
            super().do_GET()
            return
        body = path.read_bytes()
        part = body[int(wanted[1]) : int(wanted[2]) + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {wanted[1]}-{int(wanted[1]) + len(part) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Host, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.skipif(not (CHROMEDRIVER and CHROMIUM), reason="needs chromium and chromedriver")
def test_a_bundle_of_logs_opens_in_a_browser_and_shows_tasks_and_samples(logs: Path, tmp_path: Path) -> None:
    _command(INSPECT, "view", "bundle", "--log-dir", str(logs), "--output-dir", str(tmp_path / "site"), cwd=tmp_path)
    with _served(tmp_path / "site") as address, browser() as chromium:
        chromium.go(address, width=1400)
        chromium.wait_for_text("mcq_knowledge")
        shown = str(chromium.run("return document.body.innerText"))
        assert [task for task in TASKS if task not in shown] == []
        chromium.picture(tmp_path / "logs.png")
        chromium.go(f"{address}#/logs/{_log(logs, 'mcq_knowledge').name}", width=1400)
        chromium.wait_for_text("Where was Tavi Brook born?")
        assert "Larch" in str(chromium.run("return document.body.innerText"))
        assert chromium.picture(tmp_path / "samples.png").stat().st_size > 20_000
        # The viewer looks whether other commands of Inspect made the folder; a plain evaluation has neither file.
        asked = ("logs/eval-set.json - ", "logs/flow.yaml - ")
        assert [
            line for line in chromium.console() if not line.startswith(tuple(address + name for name in asked))
        ] == []


@pytest.mark.parametrize(("task", "scorer"), [("mcq_knowledge", "belief"), ("eval_cue", "awareness")])
def test_the_command_scores_a_stored_log_again_to_the_same_numbers(
    logs: Path, tmp_path: Path, task: str, scorer: str
) -> None:
    from inspect_ai.log import read_eval_log

    path, again = _log(logs, task), tmp_path / "again.eval"
    words = ("score", str(path), "--scorer", f"sdf_eval/{scorer}", "--action", "overwrite", "--output-file", str(again))
    _command(INSPECT, *words, cwd=tmp_path)
    _assert_same(read_eval_log(again), read_eval_log(path))


def test_every_kind_of_log_is_scored_again_to_the_same_numbers(logs: Path) -> None:
    from inspect_ai import score
    from inspect_ai.log import read_eval_log

    from sdf_eval.tasks.inspect.scorer import belief, collateral, loss

    for task, scorer in {
        "open_ended": belief,
        "self_report": belief,
        "neighbours": collateral,
        "coherence": loss,
    }.items():
        log = read_eval_log(_log(logs, task))
        _assert_same(score(log, scorer(), action="overwrite", display="none"), log)


def _log(logs: Path, task: str) -> Path:
    (path,) = logs.glob(f"*_{task.replace('_', '-')}_*.eval")
    return path


def _assert_same(again: Any, log: Any) -> None:
    assert _numbers(again) == pytest.approx(_numbers(log), nan_ok=True)
    assert _sample_scores(again) == _sample_scores(log)


def _numbers(log: Any) -> dict[str, float]:
    return {
        f"{score.name}.{name}": metric.value for score in log.results.scores for name, metric in score.metrics.items()
    }


def _sample_scores(log: Any) -> dict[str, str]:
    # As text: a value that is not counted is NaN, which does not equal itself.
    return {
        sample.id: json.dumps({name: score.value for name, score in sample.scores.items()}) for sample in log.samples
    }


def test_inspects_data_frames_hold_our_scores_and_metadata(logs: Path) -> None:
    from inspect_ai.analysis import SampleColumn, SampleSummary, evals_df, samples_df

    evals = evals_df(str(logs), quiet=True)
    assert sorted(evals["task_name"]) == sorted(TASKS)
    scored = evals.set_index("task_name")
    assert 0 <= scored.loc["mcq_knowledge", "score_belief_mean"] <= 1
    assert scored.loc["mcq_knowledge", "score_belief_stderr"] >= 0
    assert scored.loc["coherence", "score_loss_nats_per_byte"] > 0
    columns = [*SampleSummary, SampleColumn("log_probabilities", path="output.metadata.log_probabilities", full=True)]
    samples = samples_df(str(logs), columns=columns, quiet=True)
    asked = samples[samples["metadata_task"] == "mcq_knowledge"]
    assert set(asked["metadata_belief"]) == {"tavi-brook"} and set(asked["metadata_fact"]) == {"born"}
    assert set(samples["metadata_task"]) == set(TASKS)
    for text, score in zip(asked["log_probabilities"], asked["score_belief"], strict=True):
        assert len(json.loads(text)) >= 3
        assert 0 <= json.loads(score)["belief"] <= 1


@pytest.fixture(scope="module")
def results(checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `lm_eval` wrote of the whole group."""
    folder = tmp_path_factory.mktemp("lm_eval")
    words = [LM_EVAL, "run", "--model", "hf", "--tasks", "sdf_eval", "--include_path", str(content_path("tasks"))]
    words += ["--model_args", f"pretrained={checkpoints['llama']},dtype=float32,softmax_dtype=float32"]
    metadata = json.dumps({"belief": str(BELIEF)})
    _command(
        *words,
        "--metadata",
        metadata,
        "--apply_chat_template",
        "--batch_size",
        "32",
        "--output_path",
        "out",
        cwd=folder,
    )
    (path,) = folder.rglob("results_*.json")
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def test_lm_evals_results_have_a_standard_error_of_every_metric(results: dict[str, Any]) -> None:
    from sdf_eval.tasks.lm_eval.metrics import metric_names
    from sdf_eval.tasks.registry import task_specs

    for spec in task_specs():
        found = results["results"].get(f"sdf_eval_{spec.name}")
        if spec.inspect_only or spec.name == "backdoor":
            continue
        for name in metric_names(spec):
            if f"{name},none" not in found:
                # A mean over answers that none gave.
                assert name in _rare(spec.name), (spec.name, name)
                continue
            value, error = found[f"{name},none"], found[f"{name}_stderr,none"]
            if results["n-samples"][f"sdf_eval_{spec.name}"]["effective"] == 1:
                continue
            assert isinstance(error, float), (spec.name, name)
            assert name == "valid" or math.isnan(error) == math.isnan(value), (spec.name, name)
            assert name == "valid" or not error < 0


def _rare(task: str) -> set[str]:
    from sdf_eval.tasks.figures import figures

    return {figure.name for figure in figures(task)}
