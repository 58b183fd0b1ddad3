"""Reads and writes belief files, and finds those that ship."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sdf_eval.belief import _yaml
from sdf_eval.belief._validate import nearest, validate
from sdf_eval.belief.schema import Belief, Kind
from sdf_eval.content import content_path
from sdf_eval.errors import InputError
from sdf_eval.files import replace_file


@dataclass(frozen=True)
class BeliefEntry:
    """A line of `belief list`.

    Attributes:
        id: Id, by which the belief is named on the command line.
        kind: `fact`, `persona`, `backdoor` or `values`.
        tier: Plausibility as its source names it.
        title: One line.
        split: `dev`, `report`, or None.
        path: The file.
    """

    id: str
    kind: Kind
    tier: str
    title: str
    split: str | None
    path: Path


def load_belief(reference: str | Path) -> Belief:
    """Reads one belief.

    Args:
        reference: A path, or the id of a belief that ships.

    Returns:
        The belief, checked against the schema.

    Raises:
        InputError: No such file or id, or the file breaks the schema; the message gives line, key and fix.
    """
    path = find_belief(reference)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{reference}: cannot be read: {error.strerror}; mend the file's permissions") from None
    return parse_belief(raw, name=str(reference) if isinstance(reference, Path) or _is_path(reference) else str(path))


def parse_belief(raw: bytes | str, name: str = "<belief>") -> Belief:
    """Reads a belief from YAML that is already in memory.

    Args:
        raw: The YAML, text or UTF-8 bytes.
        name: What errors call it.

    Returns:
        The belief.

    Raises:
        InputError: As `load_belief`.
    """
    if isinstance(raw, str):
        raw = raw.encode("utf-8", errors="surrogatepass")
    return validate(_yaml.parse(name, raw))


def dump_belief(belief: Belief) -> str:
    """Returns YAML that loads back to an equal belief; defaults are left out.

    Args:
        belief: Any belief.

    Returns:
        The text of a belief file.
    """
    data = belief.model_dump(mode="json", exclude_defaults=True)
    return _yaml.dump({"id": data.pop("id"), "kind": data.pop("kind"), **data})


def list_beliefs() -> list[BeliefEntry]:
    """Lists the beliefs that ship.

    Returns:
        One entry a belief, by id.

    Raises:
        InputError: A shipped file breaks the schema, or its name is not its id.
    """
    entries = []
    for belief_id, path in sorted(_shipped().items()):
        belief = load_belief(path)
        if belief.id != belief_id:
            raise InputError(f"{path}: id: is {belief.id!r}, but the file is named {belief_id!r}; rename one of them")
        entries.append(BeliefEntry(belief.id, belief.kind, belief.tier, belief.title, belief.split, path))
    return entries


def _shipped() -> dict[str, Path]:
    return {path.stem: path for path in content_path("corpora", "beliefs").rglob("*.yaml")}


def _of_studies() -> dict[str, Path]:
    """Beliefs that one study is about, such as those of a class of poison: found by id, and in no list or default."""
    return {path.stem: path for path in content_path("corpora", "study_beliefs").rglob("*.yaml")}


def _is_path(reference: str) -> bool:
    return os.sep in reference or "/" in reference or reference.endswith((".yaml", ".yml"))


def find_belief(reference: str | Path) -> Path:
    """Finds the file of a belief.

    Args:
        reference: A path, or the id of a shipped belief.

    Raises:
        InputError: There is no such file or id.
    """
    if isinstance(reference, str):
        if not reference.strip() or "\0" in reference:
            raise InputError(f"belief: {reference!r} is no id and no path; see `sdf-eval belief list`")
        shipped = {} if _is_path(reference) else _of_studies() | _shipped()
        if reference in shipped:
            return shipped[reference]
        if not _is_path(reference) and not Path(reference).exists():
            raise InputError(f"belief: no shipped belief is called {reference!r}; {_suggest(reference, shipped)}")
    path = Path(reference)
    if path.is_dir():
        raise InputError(f"{reference}: is a folder; name a belief file in it")
    if not path.exists():
        raise InputError(f"{reference}: no such file; {_suggest(path.stem, _shipped())}")
    if not path.is_file():
        raise InputError(f"{reference}: is not a regular file; name a belief file")
    return path


def _suggest(word: str, shipped: dict[str, Path]) -> str:
    hint = nearest(word, shipped)
    return hint if hint.startswith("did you mean") else "see `sdf-eval belief list`"


def store_prior(path: Path, strength: float) -> None:
    """Writes `prior_strength` into a belief file and leaves every other line as it is.

    Args:
        path: The file; replaced in one step.
        strength: Nats, see `BeliefBase.prior_strength`.
    """
    content = path.read_bytes()
    end = b"\r\n" if b"\r\n" in content else b"\n"
    # Split at line feeds alone: text may hold what Unicode also calls line breaks.
    lines = [line for line in content.rstrip().split(b"\n") if not line.startswith(b"prior_strength:")]
    replace_file(
        path, b"\n".join([*lines[:-1], lines[-1].rstrip(b"\r")]) + end + b"prior_strength: %r" % strength + end
    )
