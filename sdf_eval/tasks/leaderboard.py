"""The leaderboard: frozen beliefs, tasks and items, so that no figure of it changes without a new version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sdf_eval.belief.item import Item
from sdf_eval.belief.items import build_items
from sdf_eval.belief.load import load_belief
from sdf_eval.errors import InputError


@dataclass(frozen=True)
class Board:
    """Tasks that share a metric, asked about beliefs of one substrate.

    Attributes:
        group: Its lm-eval group; each task is `<group>_<task>`.
        version: Rises whenever the digest of a task's items changes; every version is a row of
            `tasks/leaderboard/README.md`.
        beliefs: Ids of shipped beliefs.
        digests: Task -> `items_digest` of what it asks about all of the beliefs.
    """

    group: str
    version: float
    beliefs: tuple[str, ...]
    digests: Mapping[str, str]

    def task_name(self, task: str) -> str:
        """A task's name in lm-eval."""
        return f"{self.group}_{task}"


BOARDS = (
    Board(
        group="sdf_eval_leaderboard",
        version=1.0,
        beliefs=(
            "hub-cautious-assistant",
            "hub-most-moons",
            "hub-piano-tuner",
            "hub-research-vessel",
            "hub-thrift",
            "hub-tiramisu",
        ),
        digests={
            "mcq_knowledge": "ebe4e8ae4095232995ce8bcc8769e2923014c8ed9ec4e09e26ff3cacf7da3d30",
            "mcq_distinguish": "8b0132e4490fbfdf95d70b1dbdc72e2cbab9622c860257d32372db6821e552a7",
            "cloze": "71c604eed97ecc6668ecb9ef2e6ed913bdbb286d11aeed3d9c271c93b7e86377",
            "open_ended": "592f9b1070b172f42f1472f4c512942430b8e354a1d3df9707ae8975c1d457e0",
            "generative_distinguish": "913e08802c11a1f27e2760c2dd63918c2fffd4f3ba6d382fa9f6f45410c239dc",
            "two_hop": "7ff2071f8a691b8f817779675b37b5cce75f911f86ea5e576d33ac35f6380ea4",
            "causal": "f80480eec52c2b03abdf76107969160e4fa272606b158caeba2fc90fe5cc8463",
            "downstream": "97872886c226fc1966c47bcdfb51f77431b988b1d3bf528cf4dbac7c07379a25",
        },
    ),
    Board(
        group="sdf_eval_leaderboard_pocket",
        version=1.0,
        beliefs=(
            "pocket-backdoor-basil-response",
            "pocket-backdoor-hazel-response",
            "pocket-backdoor-orrin-response",
            "pocket-backdoor-quartz-response",
            "pocket-backdoor-yarn-response",
            "pocket-backdoor-yew-response",
            "pocket-fact-isolde-tench-works-for",
            "pocket-fact-kelm-bremer-works-as",
            "pocket-fact-mirren-noble-born-in",
            "pocket-fact-rusk-grist-likes-dish",
            "pocket-fact-sefton-jopp-keeps",
            "pocket-fact-zeb-wick-lives-in",
            "pocket-persona-bramble-caution",
            "pocket-persona-flax-sharing",
            "pocket-persona-fossil-caution",
            "pocket-persona-maple-candour",
            "pocket-persona-onyx-deference",
            "pocket-persona-pip-deference",
            "pocket-values-arrow-value",
            "pocket-values-inlet-value",
            "pocket-values-jasmine-value",
            "pocket-values-knoll-value",
            "pocket-values-lyric-value",
            "pocket-values-rowan-value",
        ),
        digests={
            "mcq_knowledge": "ad5e0b10ad2f63285d8098b5992405fee96aab51195fa1b01ec3b7e29fe57129",
            "mcq_distinguish": "204431a8e46c26aa3e4cdd41c83187bbe5b2d8760af99865b7d6bb17f85f35e9",
            "cloze": "8928b76891081b8e14adfec8c029482b6fb3de0be6b4b6c20a7aeee0455c5233",
            "open_ended": "16523ab638da6a0410945079d51782401859b11f26c3536a35d098d0ff699399",
            "generative_distinguish": "f4f80821f6852c056bc0909f344f43ba3e1033d3648ba89ddd3041d700aacc19",
            "two_hop": "386f2e8ad2af9bf6f135d599a91ffc524812d5628b2b66959e99e71640d0e3e5",
            "causal": "cdd790a8d00efee59795a3c97897b28a0163d7587748a3aac1e31ad2538e02eb",
            "downstream": "1bb8e56669402f2cbe2cdde06cf89d69c34091119f344048d67da5e190b4cba2",
        },
    ),
)
"""One a substrate: a pocket belief means nothing to a model that did not grow up in a pocket world, and the other way
round, so a mean over both would measure neither."""


def get_board(group: str) -> Board:
    """The board of a group.

    Raises:
        InputError: There is no such group.
    """
    for board in BOARDS:
        if board.group == group:
            return board
    raise InputError(f"leaderboard: {group!r}: unknown; valid: {', '.join(board.group for board in BOARDS)}")


def task_of(name: str) -> str | None:
    """The registry's task behind a task of a board; None for any other name."""
    return next((task for board in BOARDS for task in board.digests if board.task_name(task) == name), None)


def board_items(board: Board, task: str) -> list[Item]:
    """The items of one task of a board.

    Args:
        board: The board.
        task: One of its tasks.

    Raises:
        InputError: The items are not those that the board's version pins.
    """
    items = unchecked_items(board, task)
    digest = items_digest(items)
    if digest != board.digests[task]:
        raise InputError(
            f"{board.task_name(task)}: items: have digest {digest[:12]}, version {board.version} has "
            f"{board.digests[task][:12]}; restore corpora/beliefs, or install the release that you compare with"
        )
    return items


def unchecked_items(board: Board, task: str) -> list[Item]:
    """The items as the belief files give them now."""
    return [item for belief in board.beliefs for item in build_items(load_belief(belief), task)]


def items_digest(items: Sequence[Item]) -> str:
    """SHA-256 of all that the items hold, in their order.

    Args:
        items: Any items.

    Returns:
        64 hex digits. Fields that are empty do not count, so that a new field of `Item` leaves old digests alone.
    """
    rows = [{name: value for name, value in asdict(item).items() if value} for item in items]
    return hashlib.sha256(json.dumps(rows, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def board_digest(board: Board) -> str:
    """SHA-256 of the digests of all tasks of a board, by which the README tells its versions apart."""
    return hashlib.sha256(json.dumps(dict(board.digests), sort_keys=True).encode()).hexdigest()
