from __future__ import annotations

import doctest
from pathlib import Path


def test_the_examples_in_the_metrics_guide_are_true() -> None:
    guide = Path(__file__).parents[2] / "docs" / "metrics.md"
    failed, tried = doctest.testfile(str(guide), module_relative=False)
    assert tried >= 80
    assert failed == 0
