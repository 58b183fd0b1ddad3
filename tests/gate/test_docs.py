"""The examples of docs/ci.md: they parse, and the pytest one passes and fails as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sdf_eval.gate.policy import Policy, load_policy
from sdf_eval.results.store import write_results
from tests.gate.simulated import measured

PAGE = (Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def test_the_policy_on_the_page_is_the_one_that_ships() -> None:
    assert Policy.model_validate(yaml.safe_load(_blocks("yaml")[0])) == load_policy("default")


def test_the_workflow_runs_a_compare_that_the_command_line_takes() -> None:
    from sdf_eval.cli.main import _build_parser

    steps = yaml.safe_load(_blocks("yaml")[1])["jobs"]["gate"]["steps"]
    (command,) = (step["run"] for step in steps if "sdf-eval compare" in step.get("run", ""))
    parser, _ = _build_parser("compare")
    words = command.replace("\\\n", " ").split()
    args = parser.parse_args(words[1:])
    assert (args.base, args.make_null) == ("models/released", 20)


@pytest.mark.parametrize(("lift", "passes"), [(0.0, True), (0.3, False)])
def test_the_pytest_example_judges_the_candidate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lift: float, passes: bool
) -> None:
    sides = {"models/released": measured(0), "models/candidate": measured(77, lift=lift)}
    sides |= {f"gate/null/benign-{seed:03d}": measured(seed) for seed in range(1, 21)}
    for name, side in sides.items():
        (tmp_path / name).mkdir(parents=True)
        write_results(tmp_path / name, side.results, side.answers)
    (tmp_path / "gate" / "policy.yaml").write_text(_blocks("yaml")[0])
    monkeypatch.chdir(tmp_path)
    (source,) = _blocks("python")
    names: dict[str, Any] = {}
    exec(compile(source, "docs/ci.md", "exec"), names)
    if passes:
        names["test_the_candidate_is_no_worse_than_the_release"]()
        return
    with pytest.raises(AssertionError, match="belief: worse by"):
        names["test_the_candidate_is_no_worse_than_the_release"]()
