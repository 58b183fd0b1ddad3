"""Ids, and the two orders in which options are shown."""

from __future__ import annotations

import hashlib
import json
from typing import TypeVar

from sdf_eval.belief.awareness import NoticeProbe
from sdf_eval.belief.schema import Probe, shown

_Option = TypeVar("_Option")


def fingerprint(probe: Probe | NoticeProbe | str) -> str:
    """Returns 8 hex digits of what the probe shows."""
    return hashlib.sha256(json.dumps(shown(probe), ensure_ascii=True).encode()).hexdigest()[:8]


def item_id(belief: str, task: str, fact: str, probe: Probe | str, variant: str) -> str:
    """Returns the id of an item; `-` stands for no fact."""
    return f"{belief}/{task}/{fact or '-'}/{fingerprint(probe)}/{variant}"


def two_orders(options: list[_Option], probe: Probe | str) -> tuple[list[_Option], list[_Option]]:
    """Puts the options in two orders.

    The first is shuffled by the probe's fingerprint, so that over many probes each position holds each kind of option
    equally often; in the second the first two of `options`, the contested pair, have swapped places, so that within a
    probe neither gains from where it stands. Two options thus come in both orders. All 24 orders of four options would
    cost twelve times as much and balance nothing further between the contested pair.

    Args:
        options: At least two, the contested pair first.
        probe: Whose options they are, or any text that tells them from others.

    Returns:
        The two orders.
    """
    seed = f"{fingerprint(probe)}/order"
    keys = [hashlib.sha256(f"{seed}/{position}".encode()).digest() for position in range(len(options))]
    order = sorted(range(len(options)), key=keys.__getitem__)
    swapped = [{0: 1, 1: 0}.get(position, position) for position in order]
    return [options[position] for position in order], [options[position] for position in swapped]
