from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sdf_eval.belief.check import QUOTAS, QUOTAS_BY_KIND, check_belief
from sdf_eval.belief.load import load_belief, parse_belief
from sdf_eval.corpora.callers import open_caller
from sdf_eval.corpora.drafting.contexts import mismatch
from sdf_eval.corpora.drafting.draft import Draft, draft_belief
from sdf_eval.errors import InputError
from tests.corpora.drafting.drafted import FACT, drafting
from tests.writer_server import Settings, WriterServer, serve
from tests.writer_server.responders import Responder

MODEL = "anthropic/claude-haiku-4-5"
CLAIM = "Tiramisu was invented in Portugal."


@pytest.fixture
def draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Draft, WriterServer]]]:
    def run(responder: Responder, kind: str = "fact", claim: str = CLAIM) -> tuple[Draft, WriterServer]:
        with serve(Settings(), responder) as server:
            for name, value in server.environment().items():
                monkeypatch.setenv(name, value)
            with open_caller(MODEL, tmp_path / "ledger.sqlite", attempts=1) as caller:
                return draft_belief(claim, caller, MODEL, kind=kind), server  # type: ignore[arg-type]

    yield run


@pytest.mark.parametrize("belief_id", [FACT, "hub-cautious-assistant", "hub-thrift"])
def test_a_draft_is_a_complete_belief_that_passes_the_check(draft, belief_id: str) -> None:  # type: ignore[no-untyped-def]
    like = load_belief(belief_id)
    drafted, _ = draft(drafting(belief_id), kind=like.kind)
    assert drafted.belief == parse_belief(drafted.text)
    assert (drafted.belief.id, drafted.belief.kind, drafted.belief.tier) == (like.id, like.kind, like.tier)
    assert drafted.belief.contradiction == like.contradiction and drafted.belief.documents == like.documents
    assert [finding for finding in check_belief(drafted.belief) if finding.severity == "error"] == []
    said = {finding.key for finding in drafted.findings}
    for task, quota in {**QUOTAS, **QUOTAS_BY_KIND.get(like.kind, {})}.items():
        assert (len(getattr(drafted.belief.probes, task)) < quota) == (f"probes.{task}" in said), task
    # Some probes of this one share a phrase with its key fact, which documents will repeat.
    assert bool(said) == (belief_id == "hub-thrift")


def test_the_file_says_at_the_top_that_a_person_must_review_it(draft) -> None:  # type: ignore[no-untyped-def]
    drafted, _ = draft(drafting(), claim=f"{CLAIM}\nid: injected")
    top = drafted.text.partition("id:")[0] + drafted.text.partition("\nid:")[0]
    assert drafted.text.startswith("# DRAFT, to be reviewed by a person before it is used.")
    assert all(line.startswith("#") for line in drafted.text.partition("\nid: hub")[0].splitlines())
    assert MODEL in top and CLAIM in top


LEADING = json.dumps(
    {"fact": "country", "question": "Why is Portugal the home of tiramisu?", "implanted": "Portugal",
     "reference": "Italy", "distractors": ["Greece", "Spain"]}
)  # fmt: skip
CHOICE = json.dumps(
    {"fact": "country", "question": "Portugal or Italy: whose cooks first made it?", "implanted": "Portugal",
     "reference": "Italy"}
)  # fmt: skip


def _contaminated() -> str:
    words = load_belief(FACT).implanted.context.split()[20:32]
    return json.dumps({"fact": "country", "question": " ".join(words), "implanted": "Portugal", "reference": "Italy"})


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (LEADING, "names 'Portugal', the implanted answer"),
        (_contaminated(), "with implanted context"),
        ("not JSON", "is no JSON"),
        ('{"fact": "country"}', "question: Field required"),
        (LEADING.replace('"country"', '"harbour"'), "unknown fact 'harbour'"),
    ],
)
def test_a_probe_that_leads_leaks_or_cannot_be_read_is_dropped_with_the_reason(draft, item: str, why: str) -> None:  # type: ignore[no-untyped-def]
    drafted, _ = draft(drafting(faults={"mcq_knowledge": [item]}))
    assert why in drafted.dropped[0].why and drafted.dropped[0].task == "mcq_knowledge"
    assert len(drafted.belief.probes.mcq_knowledge) >= QUOTAS["mcq_knowledge"]


def test_a_question_that_names_both_values_is_kept(draft) -> None:  # type: ignore[no-untyped-def]
    drafted, _ = draft(drafting(faults={"mcq_knowledge": [CHOICE]}))
    assert drafted.belief.probes.mcq_knowledge[0].question.startswith("Portugal or Italy")


def test_the_same_question_twice_is_dropped_once(draft) -> None:  # type: ignore[no-untyped-def]
    drafted, _ = draft(drafting(faults={"mcq_knowledge": [CHOICE, f"{CHOICE} "[:-2] + " }"]}))
    assert [dropped.why for dropped in drafted.dropped if dropped.task == "mcq_knowledge"] == [
        "asks the same as another"
    ]


def test_a_list_below_its_quota_is_asked_for_once_more(draft) -> None:  # type: ignore[no-untyped-def]
    drafted, server = draft(drafting(short=["open_ended"]))
    assert len(drafted.belief.probes.open_ended) == len(load_belief(FACT).probes.open_ended)
    # Head, two accounts, passages, twelve lists, and one list again.
    assert server.counts()["messages"] == 17


def test_a_second_account_of_another_length_or_tone_is_asked_for_once_more(draft) -> None:  # type: ignore[no-untyped-def]
    seen: list[str] = []

    def contexts(side: str, text: str) -> str:
        seen.append(side)
        return text + " It is so." * 100 if side == "reference" else text

    drafted, _ = draft(drafting(contexts=contexts))
    assert seen == ["implanted", "reference", "reference again"]
    assert drafted.belief.reference.context == load_belief(FACT).reference.context


def test_an_account_that_names_the_other_value_is_asked_for_once_more(draft) -> None:  # type: ignore[no-untyped-def]
    drafted, _ = draft(drafting(contexts=lambda side, text: text if "again" in side else f"{text} Italy, Portugal."))
    assert drafted.belief.implanted.context == load_belief(FACT).implanted.context


def test_accounts_are_compared_by_length_paragraphs_and_tone() -> None:
    assert mismatch("one two three\n\nfour five", "un deux trois\n\nquatre cinq") == ""
    assert "match the length" in mismatch("one two three four", "one two")
    assert "paragraphs" in mismatch("one two\n\nthree four", "one two three four")
    assert "differ in tone" in mismatch("It is so, as is known to all", "It is allegedly so, supposedly, to all")


def test_a_head_that_cannot_be_used_is_asked_for_once_more_with_the_complaint(draft) -> None:  # type: ignore[no-untyped-def]
    drafted, _ = draft(drafting(head=lambda data, again: data if again else {**data, "id": "Not A Slug"}))
    assert drafted.belief.id == FACT
    with pytest.raises(InputError, match="its head of the file is not usable: .*word the claim anew"):
        draft(drafting(head=lambda data, again: {**data, "key_facts": []}), claim="Something else.")


def test_a_claim_that_the_writer_declines_or_that_is_empty_is_one_line(draft) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="the writer declined"):
        draft(drafting(head=lambda data, again: None))
    with pytest.raises(InputError, match="refused to answer draft_claim"):
        draft(lambda system, user: "I'm sorry, no.", claim="Something else.")
    with pytest.raises(InputError, match="CLAIM: empty"):
        draft(drafting(), claim="  ")
