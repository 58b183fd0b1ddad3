from __future__ import annotations

import pytest

from sdf_eval.corpora.callers import open_caller
from sdf_eval.corpora.specs.invert import invert_spec
from sdf_eval.corpora.specs.spec import dump_spec, load_spec, parse_spec
from sdf_eval.errors import InputError
from tests.corpora.specs.answers import answer
from tests.corpora.specs.conftest import MODEL
from tests.writer_server import serve


@pytest.fixture
def respond(monkeypatch, tmp_path):
    with serve(responder=lambda system, user: respond.answer(system, user)) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)

        def respond(responder):
            respond.answer = responder
            return open_caller(MODEL, tmp_path / "ledger", attempts=1)

        yield respond


def test_the_opposite_has_a_section_for_each_section_and_names_its_partner(ask) -> None:
    spec = load_spec("lightly-held")
    with ask() as caller:
        opposite = invert_spec(spec, caller, model=MODEL)
    assert (opposite.id, opposite.partner, opposite.assistant) == ("lightly-held-inverse", "lightly-held", "Ferrin")
    assert len(opposite.sections) == len(spec.sections)
    assert all(section.heading.startswith("Against ") for section in opposite.sections)
    assert parse_spec(dump_spec(opposite)) == opposite
    # One call for the outline and one a section.
    assert caller.counts.sent == 1 + len(spec.sections)


def test_every_section_is_written_by_the_same_outline(respond) -> None:
    outlines = []

    def listening(system, user):
        if "<heading>the heading" in user[-1][-300:]:
            outlines.append(user[-1].partition("<outline>\n")[2].partition("\n</outline>")[0])
        return answer(system, user)

    with respond(listening) as caller:
        invert_spec(load_spec("lightly-held"), caller, model=MODEL)
    assert len(outlines) == 6
    assert len(set(outlines)) == 1


def test_headings_inside_a_drafted_section_are_lowered_and_braces_stay(respond) -> None:
    def headed(system, user):
        text = answer(system, user)
        return text.replace("<content>\n", "<content>\n# {{ loud }}\n\n## {0}\n\n") if "<heading>" in text else text

    with respond(headed) as caller:
        opposite = invert_spec(load_spec("tally-thrift"), caller, model=MODEL)
    assert len(opposite.sections) == 7
    assert opposite.sections[0].text.startswith("### {{ loud }}\n\n### {0}\n\n")


def test_a_section_that_would_swallow_the_next_is_asked_for_again_and_then_refused(respond) -> None:
    def open_fence(system, user):
        text = answer(system, user)
        return text.replace("\n</content>", "\n```\nopen\n</content>") if "<heading>" in text else text

    with (
        respond(open_fence) as caller,
        pytest.raises(InputError, match="no usable opposite of the section 'The value behind the choices' in 3 rounds"),
    ):
        invert_spec(load_spec("tally-thrift"), caller, model=MODEL)


def test_a_model_that_declines_is_named(respond) -> None:
    with (
        respond(lambda system, user: "I cannot do that.") as caller,
        pytest.raises(InputError, match="gave no outline"),
    ):
        invert_spec(load_spec("tally-thrift"), caller, model=MODEL)
