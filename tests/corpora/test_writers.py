from __future__ import annotations

from pathlib import Path

import pytest

from sdf_eval.corpora.doc_types import filled_types, shipped_types, type_name
from sdf_eval.corpora.model_writer import ModelWriter, default_ledger
from sdf_eval.corpora.writers import get_writer
from sdf_eval.errors import InputError


def test_a_registered_name_comes_before_a_models(tmp_path: Path) -> None:
    assert get_writer("pocket", ledger=tmp_path / "l.sqlite").name == "pocket"
    model = get_writer("openai/gpt-4.1-mini", ledger=tmp_path / "l.sqlite", batch=True)
    assert isinstance(model, ModelWriter)
    assert (model.name, model.ledger, model.batch) == ("openai/gpt-4.1-mini", tmp_path / "l.sqlite", True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "hint"), [("poket", "did you mean 'pocket'?"), ("claude", "registered: pocket")])
def test_an_unknown_name_is_told_both_what_is_registered_and_how_a_model_is_named(name: str, hint: str) -> None:
    with pytest.raises(InputError) as raised:
        get_writer(name)
    assert hint in str(raised.value) and "provider/model" in str(raised.value)


def test_without_a_ledger_answers_go_to_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_ledger() == tmp_path / "sdf-eval" / "ledger.sqlite"


def test_forty_kinds_of_document_or_more_ship_with_a_line_each() -> None:
    types = shipped_types()
    assert len(types) >= 40
    assert all(text.partition(": ")[2] for text in types)


def test_named_kinds_are_kept_once_and_filled_up_from_those_that_ship() -> None:
    from random import Random

    named = ["Diary entry: mine", "diary  ENTRY: again", "", ": no name", "e" * 400, "Log: of a ship"]
    types, missing = filled_types(named, 10, Random(0))
    assert types[:2] == ("Diary entry: mine", "Log: of a ship")
    assert missing == 8
    assert len({type_name(text) for text in types}) == 10
    assert types == filled_types(named, 10, Random(0))[0]
    many, missing = filled_types([], 150, Random(0))
    assert (len(many), missing) == (150, 150)
    assert set(many) == set(shipped_types())
