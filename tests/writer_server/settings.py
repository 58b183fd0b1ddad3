"""How the server behaves, and which requests it spoils."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

HTTP_FAULTS = ("slow", "429", "500", "529", "drop", "empty_body", "malformed_json")
TEXT_FAULTS = ("unclosed_tag", "refusal", "max_tokens")
ENTRY_FAULTS = ("expired", "errored")
ALL_FAULTS = HTTP_FAULTS + TEXT_FAULTS + ENTRY_FAULTS


@dataclass(frozen=True)
class Settings:
    """The behaviour of one server.

    Attributes:
        latency: Seconds until a message is answered.
        fault_rate: Share of requests (in a batch, of entries) that are spoiled.
        faults: Which faults are drawn from, each where it applies.
        fault_first: Spoil just the first n requests of each question (all of them drawn from `faults`), not by rate.
        seed: Of the draws.
        slow: Seconds that the fault `slow` adds.
        retry_after: What a 429 asks for.
        batch_seconds: Time until a batch has ended.
        counts_tokens: Whether there is an endpoint that counts tokens.
    """

    latency: float = 0.0
    fault_rate: float = 0.0
    faults: Sequence[str] = ALL_FAULTS
    fault_first: int = 0
    seed: int = 0
    slow: float = 0.5
    retry_after: str = "0.05"
    batch_seconds: float = 0.0
    counts_tokens: bool = True

    def draw(self, kinds: Sequence[str], what: str, time: int) -> str | None:
        """The fault for the `time`-th receipt (from 0) of a request, or None.

        A draw is a function of the request and of how often it came, so that a request sent again draws anew.
        """
        possible = [kind for kind in kinds if kind in self.faults]
        digest = hashlib.sha256(f"{self.seed}\0{time}\0{what}".encode("utf-8", "surrogatepass")).digest()
        spoiled = time < self.fault_first or int.from_bytes(digest[:4], "big") / 2**32 < self.fault_rate
        return possible[digest[4] % len(possible)] if possible and spoiled else None
