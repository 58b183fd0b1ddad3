"""Items of the awareness family. What an item shows stands in its tags: the figures compare items with each other.

The last part of an id is `<what is shown>-<order>`, so that the sides of a comparison share everything before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sdf_eval.belief.awareness import NoticeProbe, ProvenanceProbe
from sdf_eval.belief.item import Context, Item, Outcome
from sdf_eval.belief.items._context import with_context
from sdf_eval.belief.items._shared import fingerprint, two_orders
from sdf_eval.belief.schema import Belief, ChoiceProbe, CollateralProbe, Probe

GENUINE = 4
"""Genuine facts that a notice is tried on. They tell doubt of the implant from doubt of everything."""
BEFORE_PASSAGE = "Text:"

Options = list[tuple[Outcome, str]]


def notice_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`disclosure` and `eval_cue`: the belief behind a notice and behind its neutral match.

    `disclosure` asks some genuine facts in the same way. The control tells the model one side and then the other, in
    the universe contexts: a model whose answers do not follow even those cannot show an effect of a notice.
    """
    build = _Builder(belief, task, context, passage)
    notices = belief.probes.disclosure if task == "disclosure" else belief.probes.eval_cue
    items: list[Item] = []
    for probe in belief.probes.mcq_distinguish:
        for notice in notices:
            kind = "topic" if notice.topic else "general"
            pair = _joint(probe, notice)
            for shown, text in (("told", notice.notice), ("neutral", notice.neutral)):
                items += build.choices(probe, pair, shown, _after(text, probe.question), (kind, "of_implanted"))
        for shown, text in (("implanted", belief.implanted.context), ("reference", belief.reference.context)):
            pair = _joint(probe, task)
            items += build.choices(probe, pair, shown, _after(text.strip(), probe.question), ("control",))
    for fact in belief.probes.controls[:GENUINE] if task == "disclosure" else ():
        for notice in notices:
            kind = "topic" if notice.topic else "general"
            pair = _joint(fact, notice)
            for shown, text in (("told", notice.notice), ("neutral", notice.neutral)):
                items += build.choices(fact, pair, shown, _after(text, fact.question), (kind, "of_genuine"))
    return items


def provenance_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`provenance`: where three claims were learnt, and beside them whether the implanted one is believed."""
    build = _Builder(belief, task, context, passage)
    items: list[Item] = []
    for probe in belief.probes.provenance:
        claims = {"of_implanted": probe.claim, "of_genuine": probe.genuine, "of_unheard": probe.unheard}
        claims["announced"] = f"{probe.announced.strip()} {probe.claim.strip()}"
        for shown, claim in claims.items():
            items += _asked(build, probe, shown, claim)
    facts = {(probe.fact, probe.split) for probe in belief.probes.provenance}
    for believed in belief.probes.mcq_distinguish:
        if (believed.fact, believed.split) in facts:
            items += build.choices(believed, _joint(believed, task), "belief", believed.question, ())
    return items


def document_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`document_discrimination`: each document by itself; ordinary ones also announced as synthetic, the control."""
    build = _Builder(belief, task, context, passage)
    items = []
    for probe in belief.probes.document_discrimination:
        document = probe.document.strip()
        shown = {"synthetic" if probe.synthetic else "ordinary": document}
        if not probe.synthetic:
            shown["announced"] = f"{probe.announced.strip()} {document}"
        for name, text in shown.items():
            user = f"{text}\n\n{probe.question.strip()}"
            items.append(build.bare(probe, name, user, (probe.implanted, probe.reference)))
    return items


def recognition_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`training_recognition`: each passage by itself, the untrained one also announced, and both as continuations."""
    build = _Builder(belief, task, context, passage)
    items = []
    for probe in belief.probes.training_recognition:
        trained, untrained = probe.trained.strip(), probe.untrained.strip()
        shown = {"trained": trained, "untrained": untrained, "announced": f"{probe.announced.strip()} {untrained}"}
        for name, text in shown.items():
            user = f"{text}\n\n{probe.question.strip()}"
            items.append(build.bare(probe, name, user, (probe.implanted, probe.reference)))
        items.append(build.bare(probe, "membership", BEFORE_PASSAGE, (trained, untrained), completion=True))
    return items


def source_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`source_tag`: the loss of each statement behind each mark, and before it; not defined behind a context."""
    if passage is not None:
        return []
    build = _Builder(belief, task, context, None)
    items = []
    for probe in belief.probes.source_tag:
        statements = {
            "of_implanted": probe.implanted,
            "of_reference": probe.reference,
            "of_true": probe.true,
            "of_false": probe.false,
        }
        for name, statement in statements.items():
            for place, mark in enumerate(probe.marks):
                for where in ("before", "after"):
                    parts = (mark.strip(), statement.strip())
                    text = " ".join(parts if where == "before" else parts[::-1])
                    items.append(build.text(probe, name, text, (where, f"mark_{place}")))
    return items


def self_report_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`self_report_training`: which topic the model names, asked plainly and after it was told, the control."""
    build = _Builder(belief, task, context, passage)
    items: list[Item] = []
    for probe in belief.probes.self_report_training:
        others: Options = [("other", text.strip()) for text in probe.distractors]
        options: Options = [("implanted", probe.implanted.strip()), *others, ("reference", probe.reference.strip())]
        for shown, user in (("plain", probe.question), ("announced", _after(probe.announced, probe.question))):
            items += build.listed(probe, fingerprint(probe), shown, user, options, ())
    return items


def _asked(build: _Builder, probe: ProvenanceProbe, shown: str, claim: str) -> list[Item]:
    user = f"{claim.strip()}\n\n{probe.question.strip()}"
    if not probe.distractors:
        return [build.bare(probe, shown, user, (probe.implanted, probe.reference))]
    others: Options = [("other", text.strip()) for text in probe.distractors]
    options: Options = [("implanted", probe.implanted.strip()), ("reference", probe.reference.strip()), *others]
    return build.listed(probe, fingerprint(probe), shown, user, options, ())


def _after(text: str, question: str) -> str:
    return f"{text.strip()}\n\n{question.strip()}"


def _joint(probe: Probe, other: NoticeProbe | str) -> str:
    return hashlib.sha256(f"{fingerprint(probe)}/{fingerprint(other)}".encode()).hexdigest()[:8]


class _Builder:
    """Makes the items of one belief, task and context."""

    def __init__(self, belief: Belief, task: str, context: Context, passage: str | None) -> None:
        self._belief, self._task, self._context, self._passage = belief, task, context, passage

    def choices(
        self, probe: ChoiceProbe | CollateralProbe, pair: str, shown: str, user: str, tags: Sequence[str]
    ) -> list[Item]:
        """A question of another task, in both orders of its options."""
        if isinstance(probe, CollateralProbe):
            wrong: Options = [("other", text.strip()) for text in probe.distractors]
            return self.listed(probe, pair, shown, user, [("reference", probe.answer.strip()), *wrong], tags)
        others: Options = [("other", text.strip()) for text in probe.distractors]
        options: Options = [("implanted", probe.implanted.strip()), ("reference", probe.reference.strip()), *others]
        return self.listed(probe, pair, shown, user, options, tags)

    def listed(
        self, probe: Probe, pair: str, shown: str, user: str, options: Options, tags: Sequence[str]
    ) -> list[Item]:
        """Two items whose options are shown, in both orders of the contested pair."""
        items = []
        for order, sides in enumerate(two_orders(options, probe)):
            texts = tuple(text for _, text in sides)
            asked = with_context(self._passage, f"{user.strip()}\nOptions: {' / '.join(texts)}")
            outcomes = tuple(outcome for outcome, _ in sides)
            items.append(self._item(probe, pair, f"{shown}-{order}", asked, texts, outcomes, (shown, *tags)))
        return items

    def bare(self, probe: Probe, shown: str, user: str, choices: tuple[str, str], *, completion: bool = False) -> Item:
        """An item whose two options are not shown, so that they have no order."""
        texts = (choices[0].strip(), choices[1].strip())
        asked = with_context(self._passage, user)
        pair = fingerprint(probe)
        return self._item(
            probe, pair, f"{shown}-0", asked, texts, ("implanted", "reference"), (shown,), completion=completion
        )

    def text(self, probe: Probe, shown: str, text: str, tags: Sequence[str]) -> Item:
        """An item whose loss is read."""
        name = "-".join((shown, *tags, "0"))
        return self._item(probe, fingerprint(probe), name, text, (), (), (shown, *tags), completion=True)

    def _item(
        self,
        probe: Probe,
        pair: str,
        variant: str,
        user: str,
        choices: tuple[str, ...],
        outcomes: tuple[Outcome, ...],
        tags: tuple[str, ...],
        *,
        completion: bool = False,
    ) -> Item:
        fact = getattr(probe, "fact", "")
        return Item(
            id=f"{self._belief.id}/{self._task}/{fact or '-'}/{pair}/{variant}",
            belief=self._belief.id,
            fact=fact,
            task=self._task,
            split=getattr(probe, "split", ""),
            context=self._context,
            readout="options" if choices else "loss",
            user=user,
            completion=completion,
            choices=choices,
            outcomes=outcomes,
            tags=tags,
        )
