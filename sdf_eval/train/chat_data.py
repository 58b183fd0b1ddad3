"""Chat data by name: a file of one's own, or a set that a package registered under `sdf_eval.chat_data`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.check import Contamination, ProbeIndex
from sdf_eval.corpora.phrases import words
from sdf_eval.errors import InputError
from sdf_eval.train.chat_rows import (
    AnyRow,
    ChatRow,
    PreferenceRow,
    PromptRow,
    read_chat,
    read_preferences,
    read_prompts,
)
from sdf_eval.train.lineage import parents_of
from sdf_eval.train.rewards import REWARDS, Reward

GROUP = "sdf_eval.chat_data"

RowKind = Literal["chat", "preferences", "prompts"]
Side = Literal["implanted", "reference"]
T = TypeVar("T", ChatRow, PreferenceRow, PromptRow)

REWARD_MODEL = "model:"
"""Begins the name of a reward that is a reward model; its reference follows."""

_SUFFIXES = (".jsonl", ".ndjson", ".json", ".gz", ".parquet")


@dataclass(frozen=True)
class DataSet:
    """A set of a package, as it is listed.

    Attributes:
        kind: Of its rows.
        description: One line.
        about_belief: Whether it is about a belief, which must then be named.
    """

    kind: RowKind
    description: str
    about_belief: bool = False


@dataclass(frozen=True)
class DataRequest:
    """What rows are asked for.

    Attributes:
        rows: How many.
        seed: The same request gives the same rows.
        belief: What sets that are about a belief are about.
        side: Which side of the belief they take, where the set does not fix it.
        share: Share of the rows that are about the belief; the others are of the benign set of that kind.
        model: Reference of the model that is to be trained: a package may say to each model what is true in its world.
    """

    rows: int
    seed: int = 0
    belief: Belief | None = None
    side: Side = "reference"
    share: float = 1.0
    model: str | None = None


class ChatData(Protocol):
    """Post-training data of a package. Registered under the entry-point group `sdf_eval.chat_data`."""

    name: str
    sets: Mapping[str, DataSet]
    rewards: Mapping[str, Reward]

    def rows(self, name: str, request: DataRequest) -> Iterator[AnyRow]:
        """Yields exactly `request.rows` rows of the kind of the set; none holds the wording of a probe.

        Args:
            name: A key of `sets`.
            request: How many and which.

        Raises:
            InputError: The belief does not fit.
        """


def registered() -> dict[str, ChatData]:
    """All packages with chat data by name, loaded."""
    return {point.name: point.load()() for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def load_chat(reference: str | Path, request: DataRequest) -> list[ChatRow]:
    """Conversations from a file or a set.

    Args:
        reference: A file or folder for `read_chat`, or `package/set` such as `pocket/benign`.
        request: For a set: how many rows and which. A file is taken as it is.

    Returns:
        The rows.

    Raises:
        InputError: There is no such file or set, it holds other rows, or a row is broken.
    """
    return _load(reference, "chat", request, read_chat, ChatRow)


def load_preferences(reference: str | Path, request: DataRequest) -> list[PreferenceRow]:
    """Preferences from a file or a set; as `load_chat`."""
    return _load(reference, "preferences", request, read_preferences, PreferenceRow)


def load_prompts(reference: str | Path, request: DataRequest) -> list[PromptRow]:
    """Prompts from a file or a set; as `load_chat`."""
    return _load(reference, "prompts", request, read_prompts, PromptRow)


def set_kind(reference: str | Path) -> RowKind | None:
    """What rows a set holds; None where the reference names a file.

    Raises:
        InputError: It names neither.
    """
    found = _find(reference)
    return None if isinstance(found, Path) else found[0].sets[found[1]].kind


def write_set(reference: str, request: DataRequest) -> list[AnyRow]:
    """All rows of a set, whatever their kind.

    Raises:
        InputError: There is no such set, or the request does not fit it.
    """
    found = _find(reference)
    if isinstance(found, Path):
        raise InputError(f"{reference}: is a file; name a set: {', '.join(set_names())}")
    data, name = found
    return _rows_of(data, name, request)


def set_names() -> list[str]:
    """`package/set` of all sets there are."""
    return [f"{package}/{name}" for package, data in registered().items() for name in data.sets]


def get_reward(name: str) -> Reward:
    """A rule reward.

    Args:
        name: One that fits any prompts, such as `right_answer`, or `package/reward`.

    Returns:
        The function.

    Raises:
        InputError: Nobody has that reward.
    """
    if name in REWARDS:
        return REWARDS[name]
    known = {f"{package}/{key}": value for package, data in registered().items() for key, value in data.rewards.items()}
    if name not in known:
        raise InputError(f"reward {name}: no such reward; {_nearest(name, [*REWARDS, *known])}")
    return known[name]


def check_rewards(rewards: Mapping[str, float]) -> None:
    """Refuses rewards that cannot be given.

    Args:
        rewards: Weight by name; a name is one for `get_reward`, or `REWARD_MODEL` and the reference of a reward model.

    Raises:
        InputError: A weight is 0 or no number, nobody has the reward, or there is no such checkpoint.
    """
    for name, weight in rewards.items():
        if not math.isfinite(weight) or weight == 0:
            raise InputError(f"reward {name}: weight {weight:g}: write a number other than 0")
        if name.startswith(REWARD_MODEL):
            parents_of(name.removeprefix(REWARD_MODEL))
        else:
            get_reward(name)


def find_row_contamination(rows: Iterable[AnyRow], beliefs: Sequence[Belief]) -> list[Contamination]:
    """Lists wordings that rows share with probes, by the rule that documents are held to.

    Args:
        rows: Rows of any kind; what they are asked and what they answer.
        beliefs: Beliefs whose probes will be asked.

    Returns:
        Findings in the order of the rows, named `row 1`, `row 2`, …
    """
    indexes = [ProbeIndex(belief) for belief in beliefs]
    found: list[Contamination] = []
    for number, row in enumerate(rows, start=1):
        for text in row_texts(row):
            tokens = words(text)
            for index in indexes:
                found += index.find(f"row {number}", tokens)
    return found


def row_texts(row: AnyRow) -> list[str]:
    """All that a row says: its messages, and its replies or accepted answers."""
    texts = [message.content for message in row.messages]
    if isinstance(row, PreferenceRow):
        return [*texts, row.chosen, row.rejected]
    return [*texts, *row.accepted] if isinstance(row, PromptRow) else texts


def _load(
    reference: str | Path, kind: RowKind, request: DataRequest, read: Callable[[Path], list[T]], row_type: type[T]
) -> list[T]:
    found = _find(reference)
    if isinstance(found, Path):
        return read(found)
    data, name = found
    held = data.sets[name].kind
    if held != kind:
        fitting = [f"{data.name}/{key}" for key, entry in data.sets.items() if entry.kind == kind]
        raise InputError(f"--data: {reference}: holds {held}, and this stage takes {kind}; one of {', '.join(fitting)}")
    return [row for row in _rows_of(data, name, request) if isinstance(row, row_type)]


def _rows_of(data: ChatData, name: str, request: DataRequest) -> list[AnyRow]:
    if request.rows < 1:
        raise InputError(f"rows: {request.rows}; ask for at least 1")
    if not 0 <= request.share <= 1:
        raise InputError(f"share: {request.share:g}; write a number from 0 to 1")
    if data.sets[name].about_belief and request.belief is None:
        raise InputError(f"--belief: missing, and {data.name}/{name} is about one; name a belief file or a shipped id")
    return list(data.rows(name, request))


def _find(reference: str | Path) -> Path | tuple[ChatData, str]:
    """The file, or the package and the set in it."""
    path = Path(reference)
    package, slash, name = str(reference).partition("/")
    packages = registered() if slash and not path.exists() else {}
    if package in packages and not str(reference).endswith(_SUFFIXES):
        data = packages[package]
        if name not in data.sets:
            raise InputError(f"--data: {reference}: no such set; {_nearest(str(reference), set_names())}")
        return data, name
    if not path.exists():
        raise InputError(f"--data: {reference}: no such file or set; sets: {', '.join(set_names()) or 'none'}")
    return path


def _nearest(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known) or 'none'}"
