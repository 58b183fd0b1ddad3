"""Prompts are files: `corpora/prompts/<name>.md`, Jinja in a sandbox, with the hash of the file as version.

A file is parted into messages by the lines `# system`, `# user` and `# assistant`. They are looked for in the file,
before any value is put in, so no value can open a message; and Jinja never reads a value as a template.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sdf_eval.content import content_path
from sdf_eval.errors import InputError

if TYPE_CHECKING:
    from jinja2 import Template

Role = Literal["system", "user", "assistant"]

_HEADING = re.compile(r"^# (system|user|assistant)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Prompt:
    """What a model is asked.

    Attributes:
        messages: Pairs of role and text; a system message, if any, is the first.
        version: `<name>@<12 hex digits of the file's SHA-256>`.
    """

    messages: tuple[tuple[Role, str], ...]
    version: str


@dataclass(frozen=True)
class PromptFile:
    """A prompt file that was read and compiled."""

    path: Path
    version: str
    sections: tuple[tuple[Role, Template], ...]

    def render(self, **variables: str | int | Sequence[str]) -> Prompt:
        """The messages with the values put in, each value as it is.

        Raises:
            InputError: The file names a variable that is not given, or does something that the sandbox forbids.
        """
        from jinja2 import TemplateError

        try:
            messages = tuple((role, template.render(variables)) for role, template in self.sections)
        except (TemplateError, TypeError) as error:
            raise InputError(
                f"{self.path}: cannot be filled in: {error}; it may use {', '.join(sorted(variables)) or 'no variable'}"
            ) from error
        return Prompt(messages, self.version)


def render(name: str, /, **variables: str | int | Sequence[str]) -> Prompt:
    """Fills in the prompt `corpora/prompts/<name>.md`.

    Args:
        name: The file's name without `.md`.
        **variables: What the file may name. Values are data: braces, quotes or template syntax in them change nothing.

    Returns:
        The messages, and the file's version for the record of what comes of them.

    Raises:
        InputError: There is no such file, it is no valid template, or it names a variable that is not given.

    Example:
        render("document", context=belief.implanted.context, idea=idea)
    """
    return _shipped(name).render(**variables)


def load_prompt(path: Path) -> PromptFile:
    """Reads and compiles one prompt file.

    Raises:
        InputError: It cannot be read, has text before its first heading, or is no valid template.
    """
    from jinja2 import StrictUndefined, TemplateSyntaxError
    from jinja2.sandbox import SandboxedEnvironment

    try:
        content = path.read_bytes()
        source = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}; give a UTF-8 text file") from error
    before, *parts = _HEADING.split(source)
    if before.strip() or not parts:
        raise InputError(f"{path}: begins without a heading; start it with a line '# system' or '# user'")
    environment = SandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=False
    )
    roles, texts = parts[0::2], parts[1::2]
    if "system" in roles[1:]:
        raise InputError(f"{path}: a system message comes first, once; move it to the top")
    try:
        sections = tuple(
            (_role(role), environment.from_string(text.strip())) for role, text in zip(roles, texts, strict=True)
        )
    except TemplateSyntaxError as error:
        raise InputError(f"{path}: is no valid template: {error}; mend it") from error
    return PromptFile(path, f"{path.stem}@{hashlib.sha256(content).hexdigest()[:12]}", sections)


@cache
def _shipped(name: str) -> PromptFile:
    folder = content_path("corpora", "prompts")
    path = folder / f"{name}.md"
    if not path.is_file():
        known = sorted(path.stem for path in folder.glob("*.md"))
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
        raise InputError(f"corpora/prompts: {name}: no such prompt; {hint}")
    return load_prompt(path)


def _role(heading: str) -> Role:
    return "system" if heading == "system" else "user" if heading == "user" else "assistant"
