from __future__ import annotations

from pathlib import Path

import pytest

from sdf_eval.errors import InputError
from sdf_eval.results.store import read_items, read_results, write_results
from tests.reports.synthetic import records, results


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = records(2)
    write_results(tmp_path, results(found), found)
    return tmp_path


def test_results_and_items_read_back_as_they_were_written(folder: Path) -> None:
    found = records(2)
    again = read_results(folder)
    assert again.items == len(found)
    assert read_items(folder, again) == found


@pytest.mark.parametrize(("name", "old"), [("results.json", '"pocket"'), ("items.jsonl", "Larch")])
def test_an_edited_file_is_refused(folder: Path, name: str, old: str) -> None:
    path = folder / name
    path.write_text(path.read_text().replace(old, '"mine"' if '"' in old else "Mine", 1))
    with pytest.raises(InputError, match=rf"{name}: sha256: the file was changed"):
        read_items(folder, read_results(folder))


def test_another_version_is_refused_with_both_numbers(folder: Path) -> None:
    path = folder / "results.json"
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 7'))
    with pytest.raises(InputError, match="reads version 1, found 7"):
        read_results(folder)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\x00", b"\xff\xfe{}"])
def test_a_file_that_is_no_results_is_refused_in_one_line(folder: Path, content: bytes) -> None:
    (folder / "results.json").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_results(folder)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="results.json"):
        read_results(tmp_path / "absent")
