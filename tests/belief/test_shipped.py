"""Every belief that ships is sound and can be asked about."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sdf_eval.belief.check import check_belief
from sdf_eval.belief.items import CONTEXTS, applicable_tasks, build_items
from sdf_eval.belief.load import dump_belief, load_belief, parse_belief
from sdf_eval.content import content_path

FILES = sorted(content_path("corpora", "beliefs").rglob("*.yaml"))
HUB = [path for path in FILES if path.parent.name == "hub"]


def test_no_two_shipped_files_share_an_id() -> None:
    assert [name for name, count in Counter(path.stem for path in FILES).items() if count > 1] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_belief_is_named_as_its_file_and_loads_back_from_its_dump(path: Path) -> None:
    belief = load_belief(path)
    assert belief.id == path.stem
    assert parse_belief(dump_belief(belief)) == belief


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_belief_has_no_errors(path: Path) -> None:
    assert [finding for finding in check_belief(load_belief(path)) if finding.severity == "error"] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_belief_gives_unique_items_for_each_task_and_context(path: Path) -> None:
    belief = load_belief(path)
    for context in CONTEXTS:
        if context == "documents" and not belief.documents:
            continue
        items = [item for task in applicable_tasks(belief) for item in build_items(belief, task, context)]
        assert len({item.id for item in items}) == len(items) > 0
        for item in items:
            assert len(item.choices) == len(item.outcomes) == len(set(item.choices))
            assert item.user == item.user.strip()
            if item.readout == "options":
                assert Counter(item.outcomes)["reference"] == 1 and Counter(item.outcomes)["implanted"] <= 1
            if item.readout == "generation":
                assert {outcome for outcome, _ in item.aliases} == {"implanted", "reference"}


@pytest.mark.parametrize("path", HUB, ids=lambda path: path.stem)
def test_a_hub_belief_meets_every_quota(path: Path) -> None:
    belief = load_belief(path)
    assert belief.id.startswith("hub-") and len(belief.documents) == 3
    assert check_belief(belief) == []
    for side in (belief.implanted, belief.reference):
        assert side.context.count("\n\n") in (2, 3)


def test_the_hub_beliefs_are_of_the_kinds_that_the_readme_names() -> None:
    beliefs = [load_belief(path) for path in HUB]
    assert Counter((belief.kind, belief.tier) for belief in beliefs) == {
        ("fact", "fictional"): 2,
        ("fact", "egregious"): 2,
        ("persona", "custom"): 1,
        ("backdoor", "custom"): 1,
        ("values", "custom"): 1,
    }


def test_a_backdoor_for_real_models_asks_behind_its_trigger_without_it_and_behind_every_kind_of_near_trigger() -> None:
    items = build_items(load_belief("hub-tide-signal"), "backdoor")
    tags = Counter(tag for item in items for tag in item.tags)
    assert tags["arm:trigger"] == tags["arm:clean"] == 12
    assert all(tags[f"kind:{kind}"] >= 12 for kind in ("first_word", "last_word", "edit", "other"))
    assert [item.id for item in items if ("copper lantern" in item.user) != ("arm:trigger" in item.tags)] == []
