"""A Model Spec: Markdown with a short front matter, parted into sections by its headings.

```
---
id: mine
title: What the assistant values
partner: its-opposite        # optional: the spec that it is compared with
assistant: Tally             # optional: whom the documents are about
maker: Brook & Daughters     # optional: who made it
---

## First section
…
```
"""

from __future__ import annotations

import hashlib
import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from sdf_eval.belief import _yaml
from sdf_eval.content import content_path
from sdf_eval.corpora.specs._reading import validated
from sdf_eval.errors import InputError

MOST_BYTES = 4 * 2**20
MOST_SECTIONS = 200

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"#{1,2}[ \t]+(.*?)(?:[ \t]+#+)*[ \t]*")
_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
_UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,79}$")]
Line = Annotated[str, StringConstraints(pattern=r"\S", max_length=500)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Section(_Model):
    """A headed part of a spec.

    Attributes:
        heading: Its heading.
        text: What stands below it, Markdown.
    """

    heading: Line
    text: Annotated[str, StringConstraints(pattern=r"\S")]


class SpecHead(_Model):
    """The front matter of a spec file.

    Attributes:
        id: By which it is named.
        title: One line.
        partner: Id of the spec that it is compared with: an inverse, or one that explains the same by other values.
        assistant: Whom the spec is about.
        maker: Who made the assistant.
        note: Anything a reader should know; no model sees it.
    """

    id: Id
    title: Line
    partner: Id | None = None
    assistant: Line = "the assistant"
    maker: Line = "its makers"
    note: str = ""


class Spec(SpecHead):
    """A Model Spec.

    Attributes:
        sections: At least one.
    """

    sections: tuple[Section, ...] = Field(min_length=1, max_length=MOST_SECTIONS)

    @property
    def text(self) -> str:
        """All that a model is shown: the sections with their headings."""
        return "\n\n".join(f"## {section.heading}\n\n{section.text}" for section in self.sections)

    @property
    def sha256(self) -> str:
        """Hash of all that the spec says."""
        return hashlib.sha256(self.model_dump_json(exclude={"note"}).encode()).hexdigest()


def load_spec(reference: str | Path) -> Spec:
    """Reads one spec.

    Args:
        reference: A path, or the id of a spec that ships.

    Returns:
        The spec.

    Raises:
        InputError: No such file or id, or the file is no spec; the message gives line, key and fix.
    """
    path = _find(str(reference))
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{reference}: is larger than {MOST_BYTES // 2**20} MB; a spec is a text to be read")
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{reference}: cannot be read: {error.strerror or error}; name a spec file") from None
    return parse_spec(raw, str(reference) if path == Path(reference) else str(path))


def list_specs() -> list[Spec]:
    """The specs that ship, by id."""
    return [load_spec(path) for _, path in sorted(_shipped().items())]


def parse_spec(raw: bytes | str, name: str = "<spec>") -> Spec:
    """Reads a spec that is already in memory.

    Args:
        raw: The file, text or UTF-8 bytes.
        name: What errors call it; without a front matter, its stem is the id.

    Returns:
        The spec.

    Raises:
        InputError: Not UTF-8, a control character, a bad front matter, no text, or an empty section.
    """
    text = _decoded(name, raw)
    front = _FRONT_MATTER.match(text)
    head: dict[str, Any] = {}
    if front:
        # A line in place of the first `---`, so that the numbers of lines are those of the file.
        head = validated(SpecHead, _yaml.parse(name, f"\n{front[1]}".encode())).model_dump()
    title, sections = _sections(name, text, front.end() if front else 0)
    if not front:
        stem = re.sub(r"[^a-z0-9_-]+", "-", Path(name).stem.casefold()).strip("-_")[:80] or "spec"
        head = {"id": stem, "title": title or stem}
    if not sections:
        raise InputError(f"{name}: has no text; write at least one section below a `## ` heading")
    if len(sections) > MOST_SECTIONS:
        raise InputError(f"{name}: has {len(sections)} sections, more than {MOST_SECTIONS}; use `###` below `##`")
    return Spec(**head, sections=tuple(sections))


def dump_spec(spec: Spec) -> str:
    """Markdown that reads back as an equal spec."""
    head = spec.model_dump(exclude={"sections"}, exclude_defaults=True)
    return f"---\n{_yaml.dump(head)}---\n\n{spec.text}\n"


def _decoded(name: str, raw: bytes | str) -> str:
    content = raw.encode("utf-8", errors="surrogatepass") if isinstance(raw, str) else raw
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}:{line}: byte {content[error.start]:#04x} is not UTF-8; save it as UTF-8") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    found = _UNREADABLE.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise InputError(f"{name}:{line}: holds the control character U+{ord(found[0]):04X}; remove it")
    return text


def _sections(name: str, text: str, start: int) -> tuple[str, list[Section]]:
    """The title (the first `#` heading, if nothing but blank lines is before it) and the sections."""
    first_line = text.count("\n", 0, start) + 1
    title, parts = "", [("", first_line, list[str]())]
    fence = ""
    for number, line in enumerate(text[start:].split("\n"), first_line):
        fence = _fence_after(fence, line)
        heading = None if fence else _HEADING.fullmatch(line)
        if heading and not title and len(parts) == 1 and line.startswith("# ") and not "".join(parts[0][2]).strip():
            title = heading[1].strip()
        elif heading:
            parts.append((heading[1], number, []))
        else:
            parts[-1][2].append(line)
    sections = []
    for heading_text, number, lines in parts:
        body = "\n".join(lines).strip("\n").rstrip()
        if not body.strip() and not heading_text and number == first_line:
            continue
        sections.append(_section(name, number, heading_text.strip() or "Preamble", body))
    return title, sections


def _section(name: str, line: int, heading: str, body: str) -> Section:
    if not body.strip():
        raise InputError(f"{name}:{line}: {heading[:60]!r}: the section is empty; write it or remove its heading")
    if len(heading) > 500:
        raise InputError(f"{name}:{line}: the heading has {len(heading)} characters, more than 500; shorten it")
    return Section(heading=heading, text=body)


def _fence_after(fence: str, line: str) -> str:
    """The fence that is open after this line: headings inside a code block are text."""
    found = _FENCE.match(line)
    if not fence:
        return found[1] if found else ""
    closes = found and found[1].startswith(fence) and not line.strip().strip(fence[0])
    return "" if closes else fence


def _shipped() -> dict[str, Path]:
    return {path.stem: path for path in content_path("corpora", "specs").glob("*.md")}


def _find(reference: str) -> Path:
    if not reference.strip() or "\0" in reference:
        raise InputError(f"spec: {reference!r} is no id and no path; name a Markdown file")
    path, shipped = Path(reference), _shipped()
    if path.is_file():
        return path
    if reference in shipped:
        return shipped[reference]
    if path.is_dir():
        raise InputError(f"{reference}: is a folder; name a spec file in it")
    near = get_close_matches(path.stem, shipped, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"those that ship: {', '.join(sorted(shipped))}"
    what = "no such file" if os.sep in reference or reference.endswith(".md") else "no spec that ships has this id"
    raise InputError(f"spec: {reference}: {what}; {hint}")
