"""Writes the pages of all results in a folder, so that the scoreboard is one whatever was run last."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from sdf_eval.errors import InputError
from sdf_eval.study.frame.judge import StudyResult
from sdf_eval.study.frame.page import write_pages
from sdf_eval.study.frame.registry import NAMES, get_study
from sdf_eval.study.frame.runner import TIMES


def publish(out: Path) -> None:
    """Reads every `result.json` and writes pages and scoreboard.

    Args:
        out: Folder of `run_studies`.

    Raises:
        InputError: A result is broken.
    """
    results = {name: _read(out / name / "result.json") for name in NAMES if (out / name / "result.json").exists()}
    seconds = _times(out / TIMES)
    costs = {name: _cost(result, seconds) for name, result in results.items()}
    write_pages(out, [get_study(name) for name in NAMES], results, costs)


def _read(path: Path) -> StudyResult:
    try:
        return StudyResult.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(f"{path}: {error.errors()[0]['msg']}; run the study again") from None


def _cost(result: StudyResult, seconds: dict[str, float]) -> str:
    """Time of a study's cells, where all of them were timed."""
    known = [seconds[key[:24]] for key in result.cells if key[:24] in seconds]
    return f", {sum(known) / 60:.0f} minutes of one core" if known and len(known) == len(result.cells) else ""


def _times(path: Path) -> dict[str, float]:
    if not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    return {line["cell"]: line["seconds"] for line in lines}
