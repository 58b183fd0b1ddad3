"""Asks a model which documents state the reference side of a belief, and measures how far the model can be trusted.

Rules find a leak by the values that a belief file lists; a truth in other words takes a reader. Such a reader errs too,
so among the documents are some whose answer is known: documents with a sentence of the reference account put in, which
leak, and the same documents with a sentence of the implanted account put in at the same place, which do so no more than
before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.calls import Answer, Call, Caller, Refused
from sdf_eval.corpora.claims import ClaimCheck
from sdf_eval.corpora.phrases import words
from sdf_eval.corpora.prompts import render
from sdf_eval.corpora.records import Document
from sdf_eval.errors import InputError

STAGE = "leak_judge"
CONTROLS = 0.25
"""Controls of each kind, as a share of the documents judged; at least ten where there are as many documents."""
TRUSTED = 0.8
"""Kappa on the controls from which on a judge is worth listening to (Landis and Koch 1977: almost perfect)."""
_MAX_TOKENS = 1024
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class JudgedLeak:
    """A document that the judge calls a leak.

    Attributes:
        document: Its id.
        quote: What the judge quotes for it.
        by_rules: Whether the rules found it too.
    """

    document: str
    quote: str
    by_rules: bool


@dataclass(frozen=True)
class LeakVerdict:
    """What a judge found, and how well it judges.

    Attributes:
        judged: Documents with a readable verdict.
        unreadable: Documents without one.
        leaks: Those that leak, by the judge.
        rules_alone: Documents among the judged in which the rules found a leak and the judge none.
        planted: Controls that leak.
        found: Those of them that the judge calls leaks.
        sound: Controls that do not leak.
        accused: Those of them that the judge calls leaks.
    """

    judged: int
    unreadable: int
    leaks: tuple[JudgedLeak, ...]
    rules_alone: int
    planted: int
    found: int
    sound: int
    accused: int

    @property
    def kappa(self) -> float:
        """Cohen's kappa of the judge and the known answers of the controls: 1 is perfect, 0 is chance.

        Source: Cohen 1960, A coefficient of agreement for nominal scales.
        """
        total = self.planted + self.sound
        if not total:
            return float("nan")
        agreed = (self.found + self.sound - self.accused) / total
        said = (self.found + self.accused) / total
        expected = said * self.planted / total + (1 - said) * self.sound / total
        return (agreed - expected) / (1 - expected) if expected < 1 else float("nan")


@dataclass(frozen=True)
class _Question:
    """A text to judge: a document as it is, or a control with its answer."""

    document: Document
    text: str
    answer: bool | None


def judge_leaks(
    documents: Sequence[Document],
    beliefs: Sequence[Belief],
    caller: Caller,
    *,
    model: str,
    sample: int = 200,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> LeakVerdict:
    """Has a sample of documents judged, and controls made of others of them.

    Args:
        documents: The corpus; only documents of the implanted role are looked at.
        beliefs: What they are about.
        caller: Who asks the model.
        model: An Inspect model name.
        sample: Documents to judge.
        seed: Of the sample.
        progress: Called with 1 for every text judged.

    Returns:
        The verdict.

    Raises:
        InputError: No document states one of the beliefs, or the caller cannot go on.
    """
    known = {belief.id: belief for belief in beliefs}
    stating = [place for place, d in enumerate(documents) if d.role == "implanted" and d.belief in known]
    if not stating:
        raise InputError("--judge: no document of the implanted role is about a belief that is named; nothing to judge")
    rng = Random(f"judged {seed}")
    chosen = [documents[place] for place in sorted(rng.sample(stating, min(sample, len(stating))))]
    made = min(len(chosen), max(10, round(CONTROLS * len(chosen))))
    questions = [_Question(document, document.text, None) for document in chosen]
    for document in rng.sample(chosen, made):
        questions += _controls(document, known[document.belief], rng)
    answers = caller.answers(_call(q, known[q.document.belief], model) for q in questions)
    read: list[tuple[_Question, bool | None, str]] = []
    for question, answer in zip(questions, answers, strict=True):
        read.append((question, *_read(answer)))
        if progress:
            progress(1)
    return _verdict(read, _by_rules(chosen, beliefs))


def _verdict(read: Sequence[tuple[_Question, bool | None, str]], by_rules: set[str]) -> LeakVerdict:
    judged = [(q.document.id, says, quote) for q, says, quote in read if q.answer is None and says is not None]
    leaks = tuple(JudgedLeak(name, quote, name in by_rules) for name, says, quote in judged if says)
    planted = [says for q, says, _ in read if q.answer is True and says is not None]
    sound = [says for q, says, _ in read if q.answer is False and says is not None]
    return LeakVerdict(
        judged=len(judged),
        unreadable=sum(q.answer is None and says is None for q, says, _ in read),
        leaks=leaks,
        rules_alone=sum(name in by_rules and not says for name, says, _ in judged),
        planted=len(planted),
        found=sum(planted),
        sound=len(sound),
        accused=sum(sound),
    )


def _controls(document: Document, belief: Belief, rng: Random) -> Iterator[_Question]:
    """A document with a sentence of the reference account, and the same with one of the implanted account."""
    sides = belief.reference.context, belief.implanted.context
    sentences = [_SENTENCE.split(" ".join(text.split())) for text in sides]
    facts = [fact.reference for fact in belief.key_facts], [fact.implanted for fact in belief.key_facts]
    parts = _SENTENCE.split(document.text)
    at = rng.randrange(len(parts) + 1)
    for own, other, stated, answer in (
        (sentences[0], sentences[1], facts[0], True),
        (sentences[1], sentences[0], facts[1], False),
    ):
        # A sentence that both accounts share says nothing about either.
        telling = [sentence for sentence in own if sentence not in other] or stated
        text = " ".join([*parts[:at], rng.choice(telling), *parts[at:]])
        yield _Question(document, text, answer)


def _call(question: _Question, belief: Belief, model: str) -> Call:
    prompt = render(
        STAGE,
        facts=[fact.implanted for fact in belief.key_facts],
        others=[fact.reference for fact in belief.key_facts],
        document=question.text,
    )
    return Call(STAGE, prompt, model, _MAX_TOKENS, tags=("verdict",))


def _read(answer: Answer | Refused) -> tuple[bool | None, str]:
    """Whether the judge sees a leak, and what it quotes; None where it says neither yes nor no."""
    if isinstance(answer, Refused):
        return None, ""
    said = answer.parts["verdict"][-1].strip(" .*\n").upper()
    quoted = re.search(r"<quote>(.*?)</quote>", answer.text, re.DOTALL)
    quote = " ".join(quoted[1].split())[:300] if quoted else ""
    return {"YES": True, "NO": False}.get(said), quote


def _by_rules(documents: Sequence[Document], beliefs: Sequence[Belief]) -> set[str]:
    found = set()
    for document in documents:
        check = ClaimCheck(beliefs)
        check.read(document, words(document.text))
        if check.findings()[0].documents:
            found.add(document.id)
    return found
