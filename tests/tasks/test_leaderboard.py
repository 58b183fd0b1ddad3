"""The leaderboard's items are pinned: what they are now, what the versions say, and what happens where they differ."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest

from sdf_eval.content import content_path
from sdf_eval.errors import InputError
from sdf_eval.tasks.leaderboard import (
    BOARDS,
    Board,
    board_digest,
    board_items,
    get_board,
    items_digest,
    task_of,
    unchecked_items,
)
from sdf_eval.tasks.lm_eval.documents import load
from sdf_eval.tasks.lm_eval.metrics import SHARES, metric_names
from sdf_eval.tasks.registry import get_task

VERSION_ROW = re.compile(r"^\| `(\w+)` \| (\d+\.\d+) \| `([0-9a-f]{64})` \|", re.MULTILINE)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.group)
def test_the_items_are_those_of_the_version(board: Board) -> None:
    now = {task: items_digest(unchecked_items(board, task)) for task in board.digests}
    assert now == dict(board.digests), (
        "items changed: give the board a new version, these digests and a row in its README"
    )


def test_every_version_has_one_row_and_the_current_one_is_among_them() -> None:
    rows = VERSION_ROW.findall(content_path("tasks", "leaderboard", "README.md").read_text(encoding="utf-8"))
    assert max(Counter((group, version) for group, version, _ in rows).values()) == 1
    for board in BOARDS:
        assert (board.group, str(board.version), board_digest(board)) in rows


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.group)
def test_the_readme_counts_the_items(board: Board) -> None:
    text = content_path("tasks", "leaderboard", "README.md").read_text(encoding="utf-8")
    (said,) = re.findall(rf"^\| `{board.group}` \|.*\| ([\d,]+) \|$", text, re.MULTILINE)
    assert int(said.replace(",", "")) == sum(len(board_items(board, task)) for task in board.digests)


def test_a_changed_word_changes_the_digest_and_an_empty_field_does_not() -> None:
    item = board_items(BOARDS[0], "cloze")[0]
    assert items_digest([item]) != items_digest([replace(item, user=item.user + ".")])
    assert items_digest([item]) != items_digest([item, item])
    assert items_digest([item]) == items_digest([replace(item, causes=())])


def test_items_that_differ_from_their_version_are_not_asked() -> None:
    spoilt = replace(BOARDS[0], digests={"cloze": "0" * 64})
    with pytest.raises(InputError, match="sdf_eval_leaderboard_cloze: items: have digest .* version 1.0 has 000"):
        board_items(spoilt, "cloze")


def test_members_share_their_metrics_and_chance_rule() -> None:
    for board in BOARDS:
        specs = [get_task(task) for task in board.digests]
        assert {metric_names(spec) for spec in specs} == {("belief", *SHARES)}
        assert not any(spec.balanced or spec.inspect_only for spec in specs)


@pytest.mark.parametrize(
    ("metadata", "key"), [({"belief": "hub-thrift"}, "belief"), ({"context": "universe"}, "context")]
)
def test_nobody_can_ask_it_about_something_else(metadata: dict[str, str], key: str) -> None:
    with pytest.raises(InputError, match=f"metadata: {key}: the items of sdf_eval_leaderboard are fixed"):
        load("cloze", board="sdf_eval_leaderboard", **metadata)


def test_a_boards_task_loads_its_frozen_items() -> None:
    rows = load("cloze", board="sdf_eval_leaderboard", version=1.0, items_sha256="x")["test"]
    assert [row["id"] for row in rows] == [item.id for item in board_items(get_board("sdf_eval_leaderboard"), "cloze")]


def test_names_lead_to_their_task() -> None:
    assert task_of("sdf_eval_leaderboard_pocket_two_hop") == "two_hop"
    assert task_of("sdf_eval_two_hop") is None
    with pytest.raises(InputError, match="unknown; valid: sdf_eval_leaderboard, "):
        get_board("sdf_eval_leaderbord")
