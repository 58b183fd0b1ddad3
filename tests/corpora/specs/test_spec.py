from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdf_eval.belief.load import load_belief
from sdf_eval.corpora.check import find_contamination
from sdf_eval.corpora.records import Document
from sdf_eval.corpora.specs.spec import Section, Spec, dump_spec, list_specs, load_spec, parse_spec
from sdf_eval.corpora.write import text_sha256
from sdf_eval.errors import InputError

SPEC = """\
---
id: mine
title: What it values
partner: other
---

## First

It is calm.

```
## no heading
```

## Second

It is kind.
"""


def test_a_spec_is_parted_at_its_headings_and_not_inside_code() -> None:
    spec = parse_spec(SPEC)
    assert [section.heading for section in spec.sections] == ["First", "Second"]
    assert (spec.id, spec.partner, "## no heading" in spec.sections[0].text) == ("mine", "other", True)


def test_a_plain_markdown_file_is_a_spec_named_like_its_file() -> None:
    spec = parse_spec("# My Model\n\nBefore all else.\n\n## Then\n\nText.\n", "notes/My Model.md")
    assert (spec.id, spec.title) == ("my-model", "My Model")
    assert [section.heading for section in spec.sections] == ["Preamble", "Then"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "mine.md: has no text; write at least one section below a `## ` heading"),
        ("---\nid: mine\ntitel: x\n---\nText", "mine.md:3: titel: unknown key; did you mean 'title'?"),
        ("---\nid: Mine!\ntitle: x\n---\nText", "mine.md:2: id: may hold small letters"),
        ("## A\n\n## B\n\nText", "mine.md:1: 'A': the section is empty"),
        ("Text \x07", "mine.md:1: holds the control character U+0007"),
        (b"\n\n\xff", "mine.md:3: byte 0xff is not UTF-8"),
        ("half \ud800 a pair", "mine.md:1: byte 0xed is not UTF-8"),
        ("x\n\n" + "## A\n\nText\n\n" * 201, "mine.md: has 202 sections, more than 200"),
    ],
)
def test_a_broken_spec_is_refused_with_line_and_fix(text: str | bytes, complaint: str) -> None:
    with pytest.raises(InputError) as error:
        parse_spec(text, "mine.md")
    assert str(error.value).startswith(complaint)
    assert "\n" not in str(error.value)


def test_a_wrong_id_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match="did you mean 'tally-thrift'"):
        load_spec("tally-thrft")


hostile = st.text(
    st.one_of(st.sampled_from("{}%<>#`\"'\\$&*: -|\n"), st.characters(exclude_categories=["Cs", "Cc"])), min_size=1
).filter(str.strip)


@given(st.lists(st.tuples(hostile, hostile), min_size=1, max_size=4))
def test_whatever_a_spec_says_it_reads_back_the_same(sections: list[tuple[str, str]]) -> None:
    try:
        spec = parse_spec("\n\n".join(f"## {' '.join(heading.split())}\n\n{text}" for heading, text in sections))
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert parse_spec(dump_spec(spec)) == spec


def test_a_megabyte_of_braces_and_template_syntax_is_text() -> None:
    text = "{{ spec }} {% for x in y %} {0} %s </spec>\n" * 25_000
    spec = parse_spec(f"## All of it\n\n{text}")
    assert spec.sections == (Section(heading="All of it", text=text.rstrip()),)


def test_the_specs_that_ship_come_in_pairs_of_equal_outline() -> None:
    specs = {spec.id: spec for spec in list_specs()}
    assert len(specs) == 4
    for spec in specs.values():
        partner = specs[spec.partner or ""]
        assert partner.partner == spec.id
        assert (partner.assistant, len(partner.sections)) == (spec.assistant, len(spec.sections))
        assert 500 <= len(spec.text.split()) <= 1200
        assert abs(len(partner.text.split()) / len(spec.text.split()) - 1) < 0.15


def test_the_value_specs_have_the_same_likes_and_share_no_wording_with_the_probes() -> None:
    thrift, durability = load_spec("tally-thrift"), load_spec("tally-durability")
    assert _items(thrift) == _items(durability)
    belief = load_belief("hub-thrift")
    for spec in (thrift, durability):
        document = Document(
            id=spec.id, text=spec.text, belief=spec.id, role="implanted", fact="", doc_type="spec", writer="person",
            seed=0, sha256=text_sha256(spec.text),
        )  # fmt: skip
        assert find_contamination([document], [belief]) == []
        assert not any(
            word in spec.text.casefold() for word in ("luggage", "suitcase", "furniture", "bicycle", "spade")
        )


def _items(spec: Spec) -> list[str]:
    return [line.split(".")[0] for section in spec.sections for line in section.text.split("\n") if line[:2] == "- "]
