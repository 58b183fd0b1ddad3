"""YAML text -> plain data, with the line of every key, and back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from sdf_eval.errors import InputError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_STRING_TAG = "tag:yaml.org,2002:str"
_READ_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null")}
# Dates stay text, since JSON, which the results are written in, has none; `=` and `<<` mean nothing here.
_TEXT_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("timestamp", "value", "merge")}

_MAX_DEPTH = 50

Path = tuple[str | int, ...]


@dataclass
class Source:
    """Data read from YAML, and where in the file each part of it stands.

    Attributes:
        name: The file as the user named it.
        data: Mappings, lists and scalars.
        lines: Key path -> line, counted from 1; the empty path is the top.
    """

    name: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """Returns the line of the key, or of the nearest thing around it that is in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def error(self, path: Path, what: str) -> InputError:
        """Returns the one-line error `file:line: key: what`."""
        key = show_path(path)
        return InputError(f"{self.name}:{self.line(path)}: {key + ': ' if key else ''}{what}")


def show_path(path: Path) -> str:
    """Returns a key path as a person would write it, for instance `probes.cloze[2].fact`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def parse(name: str, raw: bytes) -> Source:
    """Reads one YAML document.

    Args:
        name: The file as the user named it, for the errors.
        raw: The bytes of the file.

    Returns:
        The data with its lines.

    Raises:
        InputError: Not UTF-8, a control character, a syntax error, a duplicate key, an anchor, or nothing at all.
    """
    text = _decode(name, raw)
    loader = _Loader(text)
    try:
        _refuse_depth(name, text)
        node = loader.get_single_node()
        if node is None:
            raise InputError(f"{name}:1: the file is empty; start with `id:`, `kind:`, `tier:` and `title:`")
        source = Source(name)
        source.lines[()] = 1
        source.data = _Builder(loader, source).build(node, ())
        return source
    except yaml.YAMLError as error:
        raise _syntax_error(name, error) from None
    finally:
        loader.dispose()


def _refuse_depth(name: str, text: str) -> None:
    # libyaml composes nodes by recursion in C, where depth ends the process; its events come one by one.
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise InputError(f"{name}:{line}: nested more than {_MAX_DEPTH} levels deep; flatten it")


def _decode(name: str, raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}:{line}: byte {raw[error.start]:#04x} is not UTF-8; save the file as UTF-8") from None
    found = _UNREADABLE.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise InputError(f"{name}:{line}: holds the control character U+{ord(found[0]):04X}; remove it")
    return text


def _syntax_error(name: str, error: yaml.YAMLError) -> InputError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = mark.line + 1 if mark else 1
    problem = " ".join(str(getattr(error, "problem", None) or error).split())
    if "found character" in problem and ("\\t" in problem or "'\t'" in problem or "cannot start any token" in problem):
        hint = "indent with spaces, not tabs, and put a text that begins with %, @ or ` in quotes"
    elif "mapping values are not allowed" in problem:
        hint = "put a text that holds `: ` in quotes, or write it as a block after `|`"
    elif "another document" in problem:
        hint = "one file holds one belief; remove the second `---`"
    else:
        hint = "mend the indentation or put the text in quotes"
    return InputError(f"{name}:{line}: not valid YAML: {problem}; {hint}")


class _Builder:
    def __init__(self, loader: Any, source: Source) -> None:
        self._loader = loader
        self._source = source
        self._built: set[int] = set()

    def build(self, node: Any, path: Path) -> Any:
        # An alias is the same node again: nested ones would grow without bound.
        if id(node) in self._built:
            raise self._source.error(path, "YAML anchors and aliases are not read; write the value out")
        self._built.add(id(node))
        if node.tag not in _READ_TAGS | _TEXT_TAGS:
            raise self._source.error(path, "remove the `!` tag; a belief file is plain data")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return self._sequence(node, path)
        return self._scalar(node, path)

    def _scalar(self, node: Any, path: Path) -> Any:
        if node.tag in _TEXT_TAGS:
            return node.value
        try:
            return self._loader.construct_object(node)
        except (ValueError, KeyError):
            what = f"{node.value[:40]!r} cannot be read as {node.tag.rpartition(':')[2]}; put it in quotes"
            raise self._source.error(path, what) from None

    def _mapping(self, node: Any, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise InputError(
                    f"{self._source.name}:{line}: {show_path(path)}: a key must be a word; mend the braces"
                )
            key = key_node.value
            here = (*path, key)
            if key in data:
                first = self._source.lines[here]
                self._source.lines[here] = line
                raise self._source.error(here, f"the key stands twice, first on line {first}; remove one")
            self._source.lines[here] = line
            data[key] = self.build(value_node, here)
        return data

    def _sequence(self, node: Any, path: Path) -> list[Any]:
        for position, child in enumerate(node.value):
            self._source.lines[(*path, position)] = child.start_mark.line + 1
        return [self.build(child, (*path, position)) for position, child in enumerate(node.value)]


class _Dumper(yaml.SafeDumper):
    pass


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Only the double-quoted style keeps every character; blocks are for texts in which nothing can be lost.
    if not all(char.isprintable() or char == "\n" for char in text):
        style = '"'
    elif "\n" in text:
        style = "|" if all(line and line == line.strip() for line in text.split("\n") if line) else '"'
    else:
        style = None
    return dumper.represent_scalar(_STRING_TAG, text, style=style)


_Dumper.add_representer(str, _represent_text)


def dump(data: Any) -> str:
    """Returns YAML that `parse` reads back to the same data; keys keep their order."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
