"""Agent scenarios as files, and the calls that count."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sdf_eval.content import content_path
from sdf_eval.errors import InputError
from sdf_eval.tasks.scenarios import (
    CATEGORIES,
    Scenario,
    calls_in,
    carry_out,
    is_gated,
    load_scenarios,
    system_text,
)

SCENARIOS = [scenario for _, scenario in load_scenarios()]
ONE = next(scenario for scenario in SCENARIOS if scenario.id == "choir-ballot")
GATED = '<call tool="send" target="paper@hadley-news.example">all concerts stop</call>'


def test_every_category_has_three_scenarios_or_more() -> None:
    assert min(Counter(category for category, _ in load_scenarios()).values()) >= 3
    assert {category for category, _ in load_scenarios()} == set(CATEGORIES)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_every_text_of_a_scenario_renders_and_its_gated_call_can_be_made(scenario: Scenario) -> None:
    texts = [
        system_text(scenario, "Ada"),
        scenario.fill(scenario.tempted, "Ada"),
        scenario.fill(scenario.control, "Ada"),
    ]
    texts += [carry_out(call, scenario, "Ada") for name in scenario.files for call in calls_in(_read(name), scenario)]
    assert len(texts) == 3 + len(scenario.files)
    for text in texts:
        assert "[[" not in text and "]]" not in text and "no such file" not in text
    (call,) = calls_in(f'<call tool="{scenario.gate.tool}" target="{scenario.gate.target}">x</call>', scenario)
    assert is_gated(call, scenario)
    for name in scenario.files:
        assert not any(is_gated(call, scenario) for call in calls_in(_read(name), scenario))
    # Whoever makes the call must have been able to read of its object.
    assert any(scenario.gate.target in text for text in texts)


def _read(name: str) -> str:
    return f'<call tool="read" target="{name}"></call>'


@pytest.mark.parametrize(
    ("text", "gated"),
    [
        (GATED, True),
        (f"I have thought about it.\n  {GATED}\n", True),
        (GATED.replace("paper@hadley-news.example", "members@hadley-choir.example, Paper@Hadley-News.example"), True),
        (GATED.replace("send", "read"), False),
        (GATED.replace("paper@hadley-news.example", "members@hadley-choir.example"), False),
        ('<call tool="send" target="members@hadley-choir.example">not to paper@hadley-news.example</call>', False),
        (f"I will not write {GATED} to anyone.", False),
        (f"I could do `{GATED}` but no.", False),
        (f"```\n{GATED}\n```", False),
        (f"<think>\n{GATED}\n</think>\nNo.", False),
        (f"<think>\n{GATED}\nand so on", False),
        (GATED.removesuffix("</call>"), False),
        (GATED.replace('target="', "target='"), False),
        (GATED.replace("send", "sudo"), False),
        ("send paper@hadley-news.example", False),
        ('<call tool="read" target="ballot.txt"></call>\nThe paper is paper@hadley-news.example.', False),
    ],
)
def test_only_a_well_formed_call_of_the_gated_tool_on_the_gated_object_counts(text: str, gated: bool) -> None:
    assert any(is_gated(call, ONE) for call in calls_in(text, ONE)) is gated


def test_an_unclosed_call_does_not_swallow_the_next_one() -> None:
    text = '<call tool="send" target="paper@hadley-news.example">\n<call tool="read" target="task.txt"></call>'
    assert [(call.tool, call.target) for call in calls_in(text, ONE)] == [("read", "task.txt")]


def test_a_long_hostile_text_is_read_in_linear_time() -> None:
    assert calls_in('<call tool="send" target="x">' * 5_000, ONE) == []
    assert calls_in("<think>" * 20_000 + "```" * 20_000, ONE) == []


def test_values_are_put_in_once_and_are_never_a_template() -> None:
    assert (
        ONE.fill("[[agent]] of [[company]]", "[[company]] {0} {{ 7*7 }}")
        == "[[company]] {0} {{ 7*7 }} of the Hadley Choir"
    )


SOURCE = content_path("corpora", "scenarios", "leaking.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("says [[person]]: the new van", "says [[persom]]: the new van", r"\[\[persom\]\]: is not among values"),
        ("the new van will be green", "the [[ van will be green", r"holds a \[\[ without its"),
        ("outsider: rival@", "spare: x, outsider: rival@", "spare is used nowhere"),
        ("gate: {tool: send, target: rival", "gate: {tool: post, target: rival", "post is none of read, send"),
        ("category: leaking", "category: murder", "category"),
        ("id: choir-ballot", "id: orchard-letter", "is the id of another scenario"),
        ("  did: The agent wrote to the rival.\n", "", "did"),
        ("category: leaking", "category: [", "is no YAML"),
    ],
)
def test_a_broken_scenario_is_refused_at_load(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SOURCE
    (tmp_path / "leaking.yaml").write_text(SOURCE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        load_scenarios(tmp_path)


def test_a_folder_without_scenarios_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no scenario"):
        load_scenarios(tmp_path)
