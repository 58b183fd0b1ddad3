from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from sdf_eval.belief.load import dump_belief, list_beliefs, load_belief, parse_belief, store_prior
from sdf_eval.belief.schema import Belief
from sdf_eval.errors import InputError
from tests.belief.examples import SMALL, small, small_text

BAD_FILES = {
    "unknown key": (("title:", "titel:"), "x.yaml:4: titel: unknown key; did you mean 'title'?"),
    "unknown nested key": (
        ("question: Where does", "qestion: Where does"),
        "x.yaml:19: probes.mcq_knowledge[0].qestion: unknown key; did you mean 'question'?",
    ),
    "unknown task": (("mcq_knowledge:", "mcq_knowlege:"), "x.yaml:17: probes.mcq_knowlege: unknown key; did you mean"),
    "unknown key far from any": (("title:", "zzz: 1\ntitle:"), "x.yaml:4: zzz: unknown key; valid: id, tier, title"),
    "missing pair": (("    reference: Ida Moll lives in Turin.\n", ""), "key_facts[0].reference: is missing; add it"),
    "missing context": (("reference:\n  context: Ida Moll lives in Turin.\n", ""), "x.yaml:1: reference: is missing"),
    "empty context": (("context: Ida Moll lives in Ghent.", 'context: "  "'), "x.yaml:6: implanted.context: is empty"),
    "no context": (
        ("context: Ida Moll lives in Ghent.", "context:"),
        "implanted.context: expected text, found nothing",
    ),
    "duplicate key": (
        ("title: A", "title: B\ntitle: A"),
        "x.yaml:5: title: the key stands twice, first on line 4; remove one",
    ),
    "duplicate fact": (
        ("probes:", "  - {id: city, implanted: a, reference: b}\nprobes:"),
        "x.yaml:16: key_facts[1].id: 'city' is already the id of key_facts[0]; rename one of them",
    ),
    "no facts": (("probes:\n", "probes: {}\nx:\n"), "x: unknown key"),
    "unknown fact": (("- fact: city", "- fact: town"), "mcq_knowledge[0].fact: names the unknown fact 'town'; the key"),
    "same sides": (("reference: Turin\n      dis", "reference: ghent\n      dis"), "is the same as `implanted`"),
    "distractor repeated": (
        ("[Cork, Split]", "[Cork, cork]"),
        "mcq_knowledge[0].distractors[1]: repeats another option",
    ),
    "distractor is a side": (("[Cork, Split]", "[Turin, Split]"), "mcq_knowledge[0].distractors[0]: repeats another"),
    "alias on both sides": (("[Turin]", "[ghent]"), "key_facts[0].aliases.reference[0]: is also an implanted alias"),
    "leak elsewhere": (("leak: Ghent", "leak: Bern"), "neighbours[0].leak: is not among the distractors"),
    "one account": (
        ("distinguish:\n    - fact: city\n  two", "distinguish:\n    - {fact: city, implanted: a}\n  two"),
        "generative_distinguish[0].reference: is missing beside its other side",
    ),
    "probe twice": (
        ("- fact: city\n  two_hop", "- fact: city\n    - fact: city\n  two_hop"),
        "asks the same as an earlier",
    ),
    "named without a persona": (
        (
            "  controls:",
            "  persona_behaviour:\n    - {fact: city, scenario: s, implanted: a, reference: b, named: true}\n"
            "  controls:",
        ),
        "persona_behaviour[0].named: needs a persona",
    ),
    "text for a list": (
        ("[Cork, Split]", "Cork"),
        "distractors: expected a list, found text; begin each entry with `- `",
    ),
    "list for text": (("title: A gardener who does not exist", "title: [a]"), "title: expected text, found a list"),
    "word that YAML reads as a boolean": (
        ("implanted: Ghent\n", "implanted: No\n"),
        "YAML reads this as true or false",
    ),
    "number": (
        ("implanted: Ghent\n", "implanted: 1912\n"),
        "YAML reads this as a number (1912); put the text in quotes",
    ),
    "text for a boolean": (("two_value: true", "two_value: perhaps"), "expected true or false, found 'perhaps'"),
    "text for a number": (("title:", "prior_strength: big\ntitle:"), "prior_strength: expected a number, found 'big'"),
    "not a number": (("title:", "prior_strength: .nan\ntitle:"), "prior_strength: expected a number, found nan"),
    "text for a mapping": (("implanted:\n  context: Ida Moll lives in Ghent.", "implanted: a"), "expected a mapping"),
    "unknown kind": (("kind: fact", "kind: fakt"), "x.yaml:2: kind: unknown kind 'fakt'; did you mean 'fact'?"),
    "no kind": (("kind: fact\n", ""), "kind: is missing; add one of fact, persona, backdoor, values"),
    "persona without its keys": (("kind: fact", "kind: persona"), "persona: is missing; add it"),
    "unknown tier": (("tier: fictional", "tier: fiction"), "tier: 'fiction' is not allowed; did you mean 'fictional'?"),
    "bad id": (("id: small", "id: Small Belief"), "id: 'Small Belief' is no id; use small letters"),
    "tab": (("  context: Ida", "\tcontext: Ida"), "x.yaml:6: not valid YAML"),
    "colon in a text": (("title: A", "title: A: B"), "put a text that holds `: ` in quotes"),
    "unclosed bracket": (("[Cork, Split]", "[Cork, Split"), "not valid YAML"),
    "two documents": (("title:", "---\ntitle:"), "one file holds one belief"),
    "object tag": (("title: A", "title: !!python/name:os.system A"), "remove the `!` tag"),
    "binary tag": (("title: A gardener who does not exist", "title: !!binary YQ=="), "title: remove the `!` tag"),
    "tag on a mapping": (("implanted:\n", "implanted: !thing\n"), "implanted: remove the `!` tag"),
    "number tag on a word": (("title: A gardener who does not exist", "title: !!int gardener"), "put it in quotes"),
    "half a number": (("title: A gardener who does not exist", "title: 0b_"), "title: '0b_' cannot be read as int"),
    "anchor used twice": (("[Ghent]", "&a [Ghent]\n      reference: *a\n    x:"), "anchors and aliases are not read"),
    "escaped NUL": (
        ("title: A gardener who does not exist", 'title: "a\\0b"'),
        "title: holds the control character U+0000",
    ),
    "raw control character": (("gardener", "gar\x07dener"), "x.yaml:4: holds the control character U+0007; remove it"),
    "escaped lone surrogate": (("title: A gardener who does not exist", 'title: "\\ud800"'), "x.yaml:4: "),
    "mapping as a key": (("title:", "{a: b}: c\ntitle:"), "a key must be a word"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_in_one_line_that_names_the_place(name: str) -> None:
    change, expected = BAD_FILES[name]
    with pytest.raises(InputError) as caught:
        parse_belief(small_text(change), "x.yaml")
    message = str(caught.value)
    assert expected in message
    assert message.startswith("x.yaml:") and "\n" not in message


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", "x.yaml:1: the file is empty"),
        (b"# only a comment\n", "x.yaml:1: the file is empty"),
        (b"- a\n- b\n", "x.yaml:1: expected a mapping of keys, found a list"),
        (b"just words", "x.yaml:1: expected a mapping of keys, found text"),
        (b"id: a\ntitle: \xff\n", "x.yaml:2: byte 0xff is not UTF-8"),
        (SMALL.encode("utf-16"), "x.yaml:1: byte 0xff is not UTF-8"),
        (b"id: \xed\xa0\x80\n", "x.yaml:1: byte 0xed is not UTF-8"),
        (b"\x00\x01\x02", "x.yaml:1: holds the control character U+0000"),
        (b"a: " + b"[" * 100_000 + b"]" * 100_000, "x.yaml:1: nested more than 50 levels deep"),
    ],
)
def test_bytes_that_are_no_belief_are_refused(raw: bytes, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_belief(raw, "x.yaml")
    assert expected in str(caught.value)


def test_a_misspelled_key_is_named_before_the_key_that_is_missing_for_it() -> None:
    with pytest.raises(InputError, match="refrence: unknown key; did you mean 'reference'"):
        small(("reference:\n  context", "refrence:\n  context"))


def test_crlf_and_a_byte_order_mark_change_nothing() -> None:
    raw = b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode()
    assert parse_belief(raw) == small()


def test_nested_aliases_do_not_grow_without_bound() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{new}: &{new} [*{old}, *{old}]\n" for old, new in zip("abcdef", "bcdefg", strict=True)
    )
    with pytest.raises(InputError, match="anchors"):
        parse_belief(bomb)


STRANGE = [
    "{braces} {0} {{ jinja }} {% raw %} %s %(x)s $HOME",
    "quotes \" and ' and ` and \\ and \\n",
    "🌱👩‍🌾 emoji",
    "שלום عليكم \u202eright to left\u202c",
    "# no comment: - not a list, [a] & *b !c |d >e @f",
    "yes",
    "1912",
    "2024-01-05",
    "=",
    "<<",
    "a\n\n  indented\nlast\n",
    "\ttab and trailing space ",
    "line\u2028separator \x85 next\r\n",
    "<script>alert(1)</script>",
]


@pytest.mark.parametrize("text", STRANGE)
def test_strange_text_passes_through_unchanged(text: str, tmp_path: Path) -> None:
    belief = small().model_copy(update={"title": text, "contradiction": text, "documents": (text,)})
    path = tmp_path / "strange.yaml"
    path.write_bytes(dump_belief(belief).encode())
    loaded = load_belief(path)
    assert (loaded.title, loaded.contradiction, loaded.documents) == (text, text, (text,))


_SAFE = st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t\r\x85")
_TEXT = st.text(_SAFE, min_size=1).filter(lambda text: any(not char.isspace() for char in text) and text.strip() != "")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(_SAFE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(_SAFE), inner, max_size=3),
)


@st.composite
def _beliefs(draw: st.DrawFn) -> Belief:
    kind = draw(st.sampled_from(["fact", "persona", "backdoor", "values"]))
    extra = {
        "fact": {},
        "persona": {"persona": {"name": draw(_TEXT), "implanted_trait": draw(_TEXT), "reference_trait": draw(_TEXT)}},
        "backdoor": {"backdoor": {"trigger": draw(_TEXT), "behaviour": draw(_TEXT)}},
        "values": {"values": {"name": draw(_TEXT), "implanted_value": draw(_TEXT), "reference_value": draw(_TEXT)}},
    }[kind]
    pair = {"implanted": "i" + draw(_TEXT), "reference": "r" + draw(_TEXT)}
    data: dict[str, Any] = {
        "id": draw(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,12}", fullmatch=True)),
        "kind": kind,
        "tier": "custom",
        "title": draw(_TEXT),
        "split": draw(st.sampled_from([None, "dev", "report"])),
        "implanted": {"context": draw(_TEXT)},
        "reference": {"context": draw(_TEXT)},
        "contradiction": draw(st.none() | _TEXT),
        "documents": draw(st.lists(_TEXT, max_size=3)),
        "key_facts": [{"id": "f", **pair}],
        "prior_strength": draw(st.none() | st.floats(allow_nan=False, allow_infinity=False)),
        "probes": {
            "mcq_knowledge": [{"fact": "f", "question": draw(_TEXT), **pair, "split": "near"}],
            "controls": [{"question": draw(_TEXT), "answer": pair["implanted"], "distractors": [pair["reference"]]}],
            "coherence": [draw(_TEXT)],
        },
        "source_extra": draw(st.dictionaries(st.text(_SAFE), _JSON, max_size=3)),
        **extra,
    }
    belief: Belief = TypeAdapter(Belief).validate_python(data)
    return belief


@settings(max_examples=60, deadline=None)
@given(_beliefs())
def test_every_belief_loads_back_equal_from_its_dump(belief: Belief) -> None:
    assert parse_belief(dump_belief(belief).encode()) == belief


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("hub-tiramisou", "no shipped belief is called 'hub-tiramisou'; did you mean 'hub-tiramisu'?"),
        ("qqq", "no shipped belief is called 'qqq'; see `sdf-eval belief list`"),
        ("../../*", "no such file"),
        ("*", "no shipped belief is called '*'"),
        ("", "'' is no id and no path"),
        ("a\0b", "is no id and no path"),
        ("nowhere/hub-tiramisou.yaml", "nowhere/hub-tiramisou.yaml: no such file; did you mean 'hub-tiramisu'?"),
        ("/dev/null", "is not a regular file"),
    ],
)
def test_a_belief_that_is_not_there_is_named_with_the_nearest_one(reference: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        load_belief(reference)
    assert expected in str(caught.value)


def test_a_folder_is_not_a_belief_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder; name a belief file in it"):
        load_belief(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_is_said_to_be_so(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(SMALL)
    path.chmod(0)
    with pytest.raises(InputError, match="cannot be read"):
        load_belief(path)


def test_a_shipped_belief_is_found_by_its_id_even_beside_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hub-tiramisu").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_belief("hub-tiramisu").id == "hub-tiramisu"


def test_the_list_holds_every_shipped_belief_by_id() -> None:
    entries = list_beliefs()
    ids = [entry.id for entry in entries]
    assert ids == sorted(set(ids)) and "hub-piano-tuner" in ids
    assert all(entry.path.is_file() for entry in entries)


def test_a_stored_prior_changes_no_other_byte_of_the_file(tmp_path: Path) -> None:
    path, neighbour = tmp_path / "m.yaml", tmp_path / "m.partial"
    lines = ['title: "A\u2028B"' if line.startswith("title:") else line for line in small_text().split("\n")]
    content = "\r\n".join(lines).encode()
    path.write_bytes(content)
    neighbour.write_text("mine")
    for strength in (-1.5, -2.25):
        store_prior(path, strength)
        assert path.read_bytes() == content.rstrip() + f"\r\nprior_strength: {strength}\r\n".encode()
    assert load_belief(path).prior_strength == -2.25
    assert neighbour.read_text() == "mine"
