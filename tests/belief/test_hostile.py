"""Whatever stands in a belief file or in a file to import: the same text comes out, or one line says what is wrong."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdf_eval.belief.check import check_belief
from sdf_eval.belief.importers import export_beliefs, import_beliefs
from sdf_eval.belief.items import TASKS, build_items
from sdf_eval.belief.load import dump_belief, parse_belief
from sdf_eval.belief.schema import Belief
from sdf_eval.errors import InputError
from tests.belief.examples import SMALL
from tests.belief.importers.examples import EVAL, FALSE, TRUE, jsonl, write_claim

MEGABYTE = 1_000_000
_PIECES = st.sampled_from(
    [
        "{braces}", "{0}", "{", "}}", "{{ jinja }}", "{% raw %}", "{# c #}", "%s", "%(x)s", "$HOME", "$from", "'", '"',
        '"""', "`", "\\", "\\n", "\\u0000", "\n", "\r\n", "\r", "\t", " ", "\x00", "\x07", "\x0b", "\x0c", "\x1b[31m",
        "\x7f", "\x85", "\xa0", "\u2028", "\ufeff", "\ufffe", "\uffff", "\ud800", "\udfff", "\U0001f600", "\u202e",
        "# ", "- ", ": ", "? ", "|", ">", "&a", "*a", "!tag", "---", "...", "yes", "null", "1e5", "0b_", "=", "<<", "a",
        "ß", " / ",
    ]
)  # fmt: skip
_ANY = st.lists(_PIECES | st.text(max_size=6), min_size=1, max_size=8).map("".join)
_UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
# Half of the texts are such that nothing in them may be refused for its characters.
_HOSTILE = _ANY | _ANY.map(lambda text: _UNREADABLE.sub("", text) or "{}")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _HOSTILE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_HOSTILE, inner, max_size=3),
)
_SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _or_one_line(attempt: Callable[[], Belief]) -> Belief | None:
    """The belief, or None after an error of one line that names the file."""
    try:
        return attempt()
    except InputError as error:
        assert "x." in str(error)
        assert len(str(error).split("\n")) == 1
        return None


def _holds_together(belief: Belief) -> bool:
    """Whether loading and dumping change nothing; rendering and checking raise nothing."""
    text = dump_belief(belief)
    check_belief(belief)
    for task in TASKS:
        build_items(belief, task, "universe")
    same = parse_belief(text, "x.yaml") == belief
    return same and dump_belief(parse_belief(text.encode(), "x.yaml")) == text


@_SETTINGS
@given(_HOSTILE)
def test_a_text_in_a_belief_file_is_read_as_it_is_or_refused(text: str) -> None:
    # What JSON writes in double quotes YAML reads as the same text, escapes included.
    quoted = json.dumps(text)
    raw = SMALL.replace("title: A gardener who does not exist", f"title: {quoted}")
    raw = raw.replace("context: Ida Moll lives in Ghent.", f"context: {quoted}").replace("[Cork, Split]", f"[{quoted}]")
    belief = _or_one_line(lambda: parse_belief(raw, "x.yaml"))
    if belief is not None:
        assert belief.title == belief.implanted.context == text
        assert belief.probes.mcq_knowledge[0].distractors == (text,)
        question = next(item for item in build_items(belief, "open_ended", "universe"))
        assert question.user.startswith(text.strip())
        assert _holds_together(belief)


@_SETTINGS
@given(_HOSTILE)
def test_raw_text_anywhere_in_a_belief_file_never_ends_in_a_traceback(text: str) -> None:
    raw = SMALL.replace("A gardener who does not exist", text)
    belief = _or_one_line(lambda: parse_belief(raw, "x.yaml"))
    assert belief is None or _holds_together(belief)


@_SETTINGS
@given(st.binary(max_size=60))
def test_bytes_anywhere_in_a_belief_file_never_end_in_a_traceback(junk: bytes) -> None:
    raw = SMALL.encode().replace(b"A gardener who does not exist", junk)
    belief = _or_one_line(lambda: parse_belief(raw, "x.yaml"))
    assert belief is None or _holds_together(belief)


@_SETTINGS
@given(text=_HOSTILE, extra=_JSON, key=_HOSTILE, ascii=st.booleans(), mapped=st.booleans())
def test_a_universe_file_comes_back_byte_for_byte_or_is_refused(
    text: str, extra: Any, key: str, ascii: bool, mapped: bool
) -> None:
    false = {**FALSE, "key_facts": [*FALSE["key_facts"], text], "extra": {key: extra}}
    true = {**TRUE, "key_facts": [*TRUE["key_facts"], "another"], "mcqs": [{"question": text, key: extra}]}
    if mapped:
        false = {**false, "universe_context": text, key: extra}
    content = jsonl(false, true, ensure_ascii=ascii).encode(errors="surrogatepass")
    assert _round_trip({"x.jsonl": content})


@_SETTINGS
@given(text=_HOSTILE, extra=_JSON, indent=st.sampled_from([None, 1, 4]), mapped=st.booleans())
def test_an_eval_file_comes_back_byte_for_byte_or_is_refused(
    text: str, extra: Any, indent: int | None, mapped: bool
) -> None:
    questions = [{"question": text, "options": {"A": text + "a", "B": text}, "correct_answer": "A", text: extra}]
    data = {**EVAL, "open_questions": [text, extra], "distinguishing_mcqs": questions, "salience": extra}
    if mapped:
        data = {**data, "true_context": text}
    assert _round_trip({"x.json": json.dumps(data, indent=indent).encode()})


def _round_trip(files: dict[str, bytes]) -> bool:
    """Whether the files come back as they were, or were refused in one line."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        source = Path(folder) / next(iter(files))
        belief = _or_one_line(lambda: import_beliefs(source)[0].belief)
    if belief is None:
        return True
    return _holds_together(belief) and export_beliefs([parse_belief(dump_belief(belief))]).files == files


@_SETTINGS
@given(text=_HOSTILE, extra=_JSON)
def test_a_claim_folder_keeps_its_values_or_is_refused(text: str, extra: Any) -> None:
    with tempfile.TemporaryDirectory(prefix="x.") as folder:
        claim = write_claim(Path(folder))
        entry = json.dumps({"id": "odd", "question": text, "belief_answer": "yes", "extra": extra})
        with (claim / "mcq.yaml").open("a") as file:
            file.write(f"- {entry}\n")
        before = (claim / "mcq.yaml").read_bytes()
        belief = _or_one_line(lambda: import_beliefs(claim, [claim / "reference.yaml"])[0].belief)
    if belief is not None:
        _holds_together(belief)
        after = export_beliefs([belief]).files["mcq.yaml"]
        assert repr(_yaml_data(after)) == repr(_yaml_data(before))


def _yaml_data(raw: bytes) -> Any:
    from sdf_eval.belief import _yaml

    return _yaml.parse("x.yaml", raw).data


def test_a_context_of_a_megabyte_passes_through_unchanged() -> None:
    unit = "{{ braces }} {0} 'quotes' \"too\"\n\n\tand \u2028 lines \U0001f600. "
    context = unit * (MEGABYTE // len(unit))
    false, true = {**FALSE, "universe_context": context}, {**TRUE, "universe_context": context + "true"}
    assert _round_trip({"x.jsonl": jsonl(false, true).encode()})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.jsonl"
        path.write_text(jsonl(false, true))
        belief = import_beliefs(path)[0].belief
    assert belief.implanted.context == context
    assert build_items(belief, "mcq_knowledge", "universe")[0].user.startswith(context.strip())


def test_a_line_of_a_megabyte_without_spaces_passes_through_unchanged() -> None:
    false, true = {**FALSE, "universe_context": "é" * MEGABYTE}, {**TRUE, "extra": "\x00" * MEGABYTE}
    assert _round_trip({"x.jsonl": jsonl(false, true).encode()})
