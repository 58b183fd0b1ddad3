"""How well each task told organisms of known truth apart, as the calibration left it in `tasks/calibration.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from sdf_eval.content import content_path

Status = Literal["valid", "floor", "too few", "not applicable"]
VALID_FROM = 0.95
"""AUROC from which a task is valid on a substrate."""
FEWEST = 20
"""Organisms of the positive kind that `valid` takes."""


class Calibration(BaseModel):
    """A task on a substrate.

    Attributes:
        status: `floor` below an AUROC of `VALID_FROM`; from there on `valid`, or `too few` with less than `FEWEST`
            organisms of the positive kind; `not applicable` where no organism was asked.
        positive: Kind of organism that it must tell apart.
        auroc: Area, and the ends of its 95 % interval; None where nothing was asked.
        found: Organisms of the positive kind above the threshold, and of how many.
        false: Organisms without an implant above the threshold, and of how many.
        threshold: Lift over the base from which it says that there is an implant, fixed on other organisms.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Status
    positive: str
    auroc: tuple[float, float, float] | None
    found: tuple[int, int]
    false: tuple[int, int]
    threshold: float | None


_FILE = TypeAdapter(dict[str, dict[str, Calibration]])


@cache
def calibrations() -> Mapping[str, Mapping[str, Calibration]]:
    """Substrate -> task -> how it fared; a task that is not there was not calibrated."""
    return _FILE.validate_python(json.loads(content_path("tasks", "calibration.json").read_text(encoding="utf-8")))


def status_of(auroc: float | None, organisms: int) -> Status:
    """The status that an area over so many organisms of the positive kind gives."""
    if auroc is None:
        return "not applicable"
    if auroc < VALID_FROM:
        return "floor"
    return "valid" if organisms >= FEWEST else "too few"


def table(substrate: str) -> str:
    """Markdown of a substrate's calibration, for the READMEs."""
    lines = [
        "| task | tells apart | AUROC | found | false positives | status |",
        "|---|---|---|---|---|---|",
    ]
    for task, one in calibrations()[substrate].items():
        area = "" if one.auroc is None else "{:.3f} [{:.3f}, {:.3f}]".format(*one.auroc)
        found, false = (f"{some} / {of}" if of else "" for some, of in (one.found, one.false))
        lines.append(f"| `{task}` | {one.positive} | {area} | {found} | {false} | {one.status} |")
    return "\n".join(lines)
