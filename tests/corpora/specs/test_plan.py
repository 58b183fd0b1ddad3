from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdf_eval.corpora.specs.mirror import mirror_plan
from sdf_eval.corpora.specs.plan import (
    Assertion,
    DocType,
    Domain,
    Idea,
    SpecPlan,
    Subdomain,
    dump_plan,
    parse_plan,
    planned,
)
from sdf_eval.corpora.specs.planning import Quotas, plan_spec
from sdf_eval.corpora.specs.spec import load_spec, parse_spec
from sdf_eval.errors import InputError
from tests.corpora.specs.answers import answer
from tests.corpora.specs.conftest import MODEL
from tests.writer_server import Settings, serve

QUOTAS = Quotas(domains=2, subdomains=3, assertions=4, doc_types=2, ideas=3)


def test_a_plan_has_as_many_of_everything_as_was_asked_for(ask) -> None:
    spec = load_spec("lightly-held")
    with ask() as caller:
        plan = plan_spec(spec, caller, model=MODEL, quotas=QUOTAS)
    assert plan.documents == 2 * 3 * 2 * 3
    subdomains = [subdomain for domain in plan.domains for subdomain in domain.subdomains]
    assert {len(subdomain.assertions) for subdomain in subdomains} == {4}
    assert {subdomain.sections for subdomain in subdomains} == {tuple(s.heading for s in spec.sections[:2])}
    assert (plan.assistant, plan.spec.text) == ("Ferrin", spec.text)
    # One call for the spec, then a call each for domains, twice for subdomains, and for document types.
    assert caller.counts.sent == 1 + 2 + 6 + 6 + 12
    assert parse_plan(dump_plan(plan)) == plan


def test_a_plan_asked_for_again_asks_nothing_and_is_the_same(ask) -> None:
    spec = load_spec("tally-thrift")
    with ask() as caller:
        first = plan_spec(spec, caller, model=MODEL, quotas=QUOTAS)
    with ask() as caller:
        second = plan_spec(spec, caller, model=MODEL, quotas=QUOTAS)
    assert dump_plan(first) == dump_plan(second)
    assert caller.counts.sent == 0


def test_in_rules_mode_each_rule_is_a_subdomain_with_itself_as_assertion(ask) -> None:
    with ask() as caller:
        plan = plan_spec(load_spec("tally-thrift"), caller, model=MODEL, mode="rules", quotas=QUOTAS)
    subdomains = [subdomain for domain in plan.domains for subdomain in domain.subdomains]
    assert len(subdomains) == 6
    assert all([assertion.label for assertion in subdomain.assertions] == ["rule"] for subdomain in subdomains)


def test_a_list_that_is_too_short_is_asked_for_again_with_what_it_holds(monkeypatch, tmp_path) -> None:
    from sdf_eval.corpora.callers import open_caller

    def stingy(system, user):
        lines = answer(system, user).split("\n")
        return lines[0] if lines[0].startswith(("<domain>", "<type>", "<idea>")) else "\n".join(lines)

    with serve(responder=stingy) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        with open_caller(MODEL, tmp_path / "ledger") as caller:
            plan = plan_spec(load_spec("tally-thrift"), caller, model=MODEL, quotas=QUOTAS)
    assert plan.documents == 36


def test_words_held_out_come_up_nowhere_below_the_spec(monkeypatch, tmp_path) -> None:
    from sdf_eval.corpora.callers import open_caller

    def talkative(system, user):
        return answer(system, user).replace("Harbour", "Suitcases of the Harbour")

    with serve(responder=talkative) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        with open_caller(MODEL, tmp_path / "ledger") as caller:
            plan = plan_spec(load_spec("tally-thrift"), caller, model=MODEL, quotas=QUOTAS, held_out=["suitcase"])
    assert "uitcases" not in "".join(domain.model_dump_json() for domain in plan.domains)


def test_a_model_that_gives_nothing_usable_is_named(monkeypatch, tmp_path) -> None:
    from sdf_eval.corpora.callers import open_caller

    with serve(responder=lambda system, user: "<domain>no colon here</domain>") as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        with open_caller(MODEL, tmp_path / "ledger") as caller, pytest.raises(InputError, match="no usable domains"):
            plan_spec(load_spec("tally-thrift"), caller, model=MODEL, quotas=QUOTAS)


def test_a_mirror_differs_in_its_assertions_alone(ask) -> None:
    plan_for, against = load_spec("lightly-held"), load_spec("firmly-held")
    with ask() as caller:
        plan = plan_spec(plan_for, caller, model=MODEL, quotas=QUOTAS)
        mirror = mirror_plan(plan, against, caller, model=MODEL)
    assert [slot.id for slot in mirror.slots()] == [slot.id for slot in plan.slots()]
    for ours, theirs in zip(plan.slots(), mirror.slots(), strict=True):
        assert (ours.idea, ours.doc_type, ours.subdomain.name) == (theirs.idea, theirs.doc_type, theirs.subdomain.name)
        pairs = list(zip(ours.subdomain.assertions, theirs.subdomain.assertions, strict=True))
        assert all(one.label == other.label and one.text != other.text for one, other in pairs)
        assert theirs.subdomain.sections == tuple(section.heading for section in against.sections[:2])
    assert (mirror.mirror_of, mirror.spec.id) == ("lightly-held", "firmly-held")


def test_a_mirror_needs_a_section_for_each_section(ask) -> None:
    plan = _plan("anything")
    with ask() as caller, pytest.raises(InputError, match="has 6 sections, but small has 1"):
        mirror_plan(plan, load_spec("firmly-held"), caller, model=MODEL)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("- name: d\n", "- nam: d\n", "plan.yaml:11: domains[0].nam: unknown key; did you mean 'name'?"),
        (
            "    - All\n",
            "    - '{all}'\n",
            "plan.yaml:16: domains[0].subdomains[0].sections[0]: '{all}' is no heading of the spec; mend it",
        ),
        (
            "      - name: i\n        text: about it\n",
            "      - name: i\n",
            "plan.yaml:24: domains[0].subdomains[0].doc_types[0].ideas[0].text: is missing; add it",
        ),
        (
            "label: value",
            "label: virtue",
            "plan.yaml:19: domains[0].subdomains[0].assertions[0].label: 'virtue' is not allowed; write 'behavior', ",
        ),
        (
            "      - name: i\n        text: about it\n",
            "      - {name: i, text: one}\n      - {name: I, text: two}\n",
            "plan.yaml:25: domains[0].subdomains[0].doc_types[0].ideas[1].name: the name 'I' stands twice; rename",
        ),
    ],
)
def test_an_edit_that_breaks_a_plan_is_refused_with_line_and_key(old: str, new: str, complaint: str) -> None:
    text = dump_plan(_plan("All of it is so."))
    assert old in text
    with pytest.raises(InputError) as error:
        parse_plan(text.replace(old, new, 1), "plan.yaml")
    assert str(error.value).startswith(complaint), error.value


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_a_plan_reads_back_whatever_its_texts_hold(text: str) -> None:
    line = " ".join(text.split())[:500]
    plan = _plan(text, line)
    assert parse_plan(dump_plan(plan)) == plan


def test_a_broken_answer_costs_a_call_and_no_stage(tmp_path, monkeypatch) -> None:
    from sdf_eval.corpora.callers import open_caller

    faults = ("unclosed_tag", "max_tokens", "refusal", "500")
    with serve(Settings(fault_rate=0.3, faults=faults, seed=3), answer) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        with open_caller(MODEL, tmp_path / "ledger", attempts=8) as caller:
            plan = plan_spec(load_spec("tally-thrift"), caller, model=MODEL, quotas=QUOTAS)
        server.settings = replace(server.settings, fault_rate=0)
        with open_caller(MODEL, tmp_path / "other") as caller:
            assert plan_spec(load_spec("tally-thrift"), caller, model=MODEL, quotas=QUOTAS) == plan


def _plan(text: str, line: str = "about it") -> SpecPlan:
    spec = parse_spec("---\nid: small\ntitle: Small\n---\n## All\n\nText.")
    subdomain = Subdomain(
        name="s",
        sections=("All",),
        assertions=(Assertion(name="a", label="value", text=line),),
        doc_types=(DocType(name="memo", ideas=(Idea(name="i", text=line),)),),
    )
    held = planned(spec).model_copy(update={"text": text})
    return SpecPlan(spec=held, domains=(Domain(name="d", description="all", subdomains=(subdomain,)),))
