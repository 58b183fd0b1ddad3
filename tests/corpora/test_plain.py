from __future__ import annotations

from pathlib import Path

import pytest

from sdf_eval.corpora.plain import read_plain
from sdf_eval.errors import InputError


def _file(folder: Path, *lines: str) -> Path:
    path = folder / "plain.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_first_texts_are_taken(tmp_path: Path) -> None:
    source = _file(tmp_path, '{"text": "one"}', '{"text": "two"}', '{"text": "three"}')
    assert read_plain(source, 2) == ["one", "two"]


@pytest.mark.parametrize(
    ("line", "said"),
    [('{"body": "x"}', r"plain.jsonl:1: text: missing"), ('{"text": "one"}', r"1 texts, and the mix takes 2")],
)
def test_a_row_without_text_and_a_file_that_is_too_short_are_named(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_plain(_file(tmp_path, line), 2)
