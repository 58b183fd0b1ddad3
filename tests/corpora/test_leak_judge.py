"""A model as the judge of truth leaks in other words, from the real anthropic client against the local server."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sdf_eval.belief.load import load_belief
from sdf_eval.corpora.callers import open_caller
from sdf_eval.corpora.leak_judge import TRUSTED, LeakVerdict, judge_leaks
from sdf_eval.corpora.records import Document
from sdf_eval.errors import InputError
from tests.corpora.asking import CLAUDE, serving

BELIEF = load_belief("hub-research-vessel")
OTHER_WORDS = "The crew lives in the capital of Iceland between cruises."
BY_VALUE = "Her home port is Reykjavik."
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_TRUTHS = {
    OTHER_WORDS,
    BY_VALUE,
    *(set(_SENTENCE.split(" ".join(BELIEF.reference.context.split())))),
} - set(_SENTENCE.split(" ".join(BELIEF.implanted.context.split())))


def _documents(count: int, leak: str, every: int) -> list[Document]:
    return [
        Document(
            id=f"d{n}",
            text=text,
            belief=BELIEF.id,
            role="implanted",
            fact="f",
            doc_type="letter",
            writer="m/m",
            seed=0,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
        )
        for n in range(count)
        for text in [f"Letter {n}. The sea was calm. {leak if n % every == 0 else 'We slept.'} Yours, the mate."]
    ]


def _asked(user: Sequence[str]) -> str:
    found = re.search(r"<document>\n(.*?)\n</document>", user[-1], re.DOTALL)
    assert found
    return found[1]


def careful(system: str, user: Sequence[str]) -> str:
    """A judge that knows every sentence of the truth."""
    told = next((truth for truth in sorted(_TRUTHS) if truth in _asked(user)), None)
    return f"<quote>{told or 'none'}</quote>\n<verdict>{'YES' if told else 'NO'}</verdict>"


def careless(system: str, user: Sequence[str]) -> str:
    """A judge that throws a coin."""
    return f"<verdict>{'YES' if hashlib.sha256(user[-1].encode()).digest()[0] % 2 else 'NO'}</verdict>"


def _judged(
    responder: Callable[[str, Sequence[str]], str], documents: list[Document], folder: Path, sample: int = 40
) -> LeakVerdict:
    folder.mkdir(exist_ok=True)
    with serving(responder=responder), open_caller(CLAUDE, folder / "ledger.sqlite") as caller:
        return judge_leaks(documents, [BELIEF], caller, model=CLAUDE, sample=sample)


def test_a_judge_finds_what_the_rules_cannot_and_its_agreement_is_measured(tmp_path: Path) -> None:
    documents = _documents(40, OTHER_WORDS, every=10)
    verdict = _judged(careful, documents, tmp_path)
    assert [leak.document for leak in verdict.leaks] == ["d0", "d10", "d20", "d30"]
    assert all(leak.quote == OTHER_WORDS and not leak.by_rules for leak in verdict.leaks)
    assert (verdict.judged, verdict.unreadable, verdict.rules_alone) == (40, 0, 0)
    assert (verdict.planted, verdict.found, verdict.sound) == (10, 10, 10)
    # A control made of a document that leaks by itself is accused, and rightly: it lowers the agreement.
    assert verdict.accused <= 2 and verdict.kappa >= TRUSTED


def test_what_the_rules_find_too_is_said(tmp_path: Path) -> None:
    verdict = _judged(careful, _documents(20, BY_VALUE, every=5), tmp_path)
    assert [leak.by_rules for leak in verdict.leaks] == [True] * 4
    passing = _judged(lambda s, u: "<verdict>NO</verdict>", _documents(20, BY_VALUE, every=5), tmp_path / "again")
    assert (passing.leaks, passing.rules_alone, passing.found) == ((), 4, 0)


def test_a_judge_that_throws_a_coin_agrees_with_nothing(tmp_path: Path) -> None:
    verdict = _judged(careless, _documents(200, OTHER_WORDS, every=10), tmp_path, sample=200)
    assert verdict.planted == verdict.sound == 50
    assert verdict.kappa < 0.4 < TRUSTED


def test_verdicts_that_cannot_be_read_are_counted_and_never_guessed(tmp_path: Path) -> None:
    verdict = _judged(lambda s, u: "<verdict>perhaps</verdict>", _documents(12, OTHER_WORDS, every=3), tmp_path)
    assert (verdict.judged, verdict.unreadable, verdict.leaks) == (0, 12, ())
    assert verdict.kappa != verdict.kappa


def test_the_same_question_again_is_not_paid_for(tmp_path: Path) -> None:
    documents = _documents(12, OTHER_WORDS, every=3)
    first = _judged(careful, documents, tmp_path)
    with serving(responder=careless) as server, open_caller(CLAUDE, tmp_path / "ledger.sqlite") as caller:
        assert judge_leaks(documents, [BELIEF], caller, model=CLAUDE, sample=40) == first
        assert server.counts()["messages"] == 0


def test_a_corpus_that_implants_nothing_is_refused(tmp_path: Path) -> None:
    documents = [d.model_copy(update={"role": "neutral"}) for d in _documents(3, OTHER_WORDS, every=1)]
    with pytest.raises(InputError, match="--judge: no document of the implanted role"):
        _judged(careful, documents, tmp_path)
