from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdf_eval.corpora.callers import open_caller
from sdf_eval.corpora.specs.documents import write_spec_corpus
from sdf_eval.corpora.specs.matching import TOLERANCE, match_corpora, uneven_slots, write_matched
from sdf_eval.corpora.specs.mirror import mirror_plan
from sdf_eval.corpora.specs.plan import SpecPlan
from sdf_eval.corpora.specs.planning import Quotas, plan_spec
from sdf_eval.corpora.specs.spec import load_spec
from sdf_eval.corpora.write import load_corpus, read_corpus, read_health
from sdf_eval.errors import InputError
from tests.corpora.asking import serving
from tests.corpora.specs.answers import answer
from tests.corpora.specs.conftest import MODEL

QUOTAS = Quotas(domains=2, subdomains=2, assertions=2, doc_types=3, ideas=4)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> SpecPlan:
    with serving(responder=answer), open_caller(MODEL, tmp_path_factory.mktemp("plan") / "ledger") as caller:
        return plan_spec(load_spec("lightly-held"), caller, model=MODEL, quotas=QUOTAS)


def _corpora(plan: SpecPlan, folder: Path, longer: int) -> None:
    """Writes `for` and `against`; each document of the latter says so many words more, or one more or less."""
    opposite = load_spec("firmly-held").sections[0].text[:80]

    def talkative(system: str, user: list[str]) -> str:
        text = answer(system, user)
        if "<content>" not in text or opposite not in user[-1]:
            return text
        return text.replace("\n</content>", f" {'so ' * (longer + len(text) % 3 - 1)}\n</content>")

    with serving(responder=talkative), open_caller(MODEL, folder / "ledger") as caller:
        write_spec_corpus(plan, caller, folder / "for", model=MODEL, revise=False)
        mirror = mirror_plan(plan, load_spec("firmly-held"), caller, model=MODEL)
        write_spec_corpus(mirror, caller, folder / "against", model=MODEL, revise=False, match=folder / "for")


@given(
    st.dictionaries(
        st.tuples(*[st.text("ab", max_size=2)] * 4),
        st.tuples(st.integers(200, 1200), st.floats(0.8, 1.3)),
        min_size=1,
        max_size=60,
    )
)
def test_what_is_left_after_leaving_out_slots_is_even(sizes: dict) -> None:
    tokens = {slot: (size, round(size * ratio)) for slot, (size, ratio) in sizes.items()}
    left_out = uneven_slots(tokens)
    if left_out is None:
        return
    kept = [tokens[slot] for slot in tokens if slot not in left_out]
    first, second = (sum(pair[side] for pair in kept) for side in (0, 1))
    assert kept and abs(second - first) <= TOLERANCE * first


def test_even_corpora_lose_nothing_and_hopeless_ones_are_told() -> None:
    slots = [("d", "s", "t", str(n)) for n in range(10)]
    assert uneven_slots({slot: (400, 401) for slot in slots}) == set()
    assert uneven_slots({slot: (400, 500) for slot in slots}) is None


def test_a_few_slots_are_left_out_where_one_side_is_a_little_longer() -> None:
    tokens = {("d", "s", "t", str(n)): (500, 515 + 90 * (n % 5 - 2)) for n in range(200)}
    left_out = uneven_slots(tokens)
    assert left_out is not None and 0 < len(left_out) < 40
    assert all(tokens[slot][1] > tokens[slot][0] for slot in left_out)


def test_matched_corpora_have_the_same_slots_and_tokens_within_a_hundredth(plan: SpecPlan, tmp_path: Path) -> None:
    _corpora(plan, tmp_path, longer=30)
    before = match_corpora(tmp_path / "for", tmp_path / "against")
    assert before.token_ratio > 1.01 and not before.is_even
    first, second = write_matched(tmp_path / "for", tmp_path / "against", tmp_path / "pair")
    after = match_corpora(first.folder, second.folder)
    assert after.is_even and abs(after.token_ratio - 1) < 0.01
    assert len(first.documents) == len(second.documents) == after.shared >= before.shared / 2
    for one, other in zip(first.documents, second.documents, strict=True):
        assert (one.domain, one.subdomain, one.doc_type, one.idea) == (
            other.domain, other.subdomain, other.doc_type, other.idea,
        )  # fmt: skip
    assert sum(d.tokens or 0 for d in second.documents) == after.tokens_second
    # They are corpora like any other, and the documents are those that were written.
    assert read_health(second.folder).documents == len(second.documents)
    assert {d.text for d in load_corpus(second.folder)} <= {d.text for d in load_corpus(tmp_path / "against")}
    assert sorted(path.name for path in (tmp_path / "pair").iterdir()) == ["firmly-held", "lightly-held"]


def test_corpora_that_differ_too_much_are_refused_with_what_to_do(plan: SpecPlan, tmp_path: Path) -> None:
    _corpora(plan, tmp_path, longer=400)
    with pytest.raises(InputError, match=r"cannot be matched to within 0.5% .* `spec write --match"):
        write_matched(tmp_path / "for", tmp_path / "against", tmp_path / "pair")
    assert not (tmp_path / "pair").exists()
    with pytest.raises(InputError, match="is about the same spec"):
        write_matched(tmp_path / "for", tmp_path / "for", tmp_path / "pair")


def test_a_mirrored_document_is_asked_for_at_the_length_of_its_counterpart(plan: SpecPlan, tmp_path: Path) -> None:
    asked: list[str] = []

    def listening(system: str, user: list[str]) -> str:
        asked.append(user[-1])
        return answer(system, user)

    with serving(responder=listening), open_caller(MODEL, tmp_path / "ledger") as caller:
        write_spec_corpus(plan, caller, tmp_path / "for", model=MODEL, revise=False)
        assert not any("- About " in text for text in asked)
        mirror = mirror_plan(plan, load_spec("firmly-held"), caller, model=MODEL)
        write_spec_corpus(mirror, caller, tmp_path / "against", model=MODEL, match=tmp_path / "for")
    lengths = sorted(int(found[1]) for text in asked if (found := re.search(r"- About (\d+) words\.", text)))
    written = sorted(
        len(re.findall(r"[^\W_]+(?:['’][^\W_]+)*", d.text)) for d in read_corpus(tmp_path / "for").documents
    )
    assert lengths == written
