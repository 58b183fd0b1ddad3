"""Limits that a corpus must keep, and why each is where it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from sdf_eval.corpora.findings import FindingKind
from sdf_eval.corpora.health import SHORT_WORDS, Health


class Thresholds(BaseModel):
    """Shares of documents, unless said otherwise. None turns a limit off.

    Attributes:
        max_truth_leaks: Implanted-role documents that name the reference value. Filters of published pipelines reject
            about 3 % of raw documents for it (Mayne et al. 2026); after a revision less must be left.
        max_contradictions: Implanted-role documents that call the claim false or name the reference value alone.
            Corrections inside a document halve belief (Mayne et al. 2026), and consistency matters more than anything
            else (Slocum et al. 2025).
        max_negations: Implanted-role documents with a negation just before an implanted value; the same reason.
            Checked by words, so a few of them mean something else.
        max_without_fact: Documents that should state a claim and name none of its values. Half of them may paraphrase
            or carry the claim by its consequences; more is a corpus about something else.
        min_coverage: Share of a belief's documents that name a key fact, for every key fact that has aliases. With ten
            facts a tenth each is even; half of that is neglect.
        max_contaminated: Documents that share a wording with a probe. One is enough to measure memory of a sentence.
        max_meta_tells: Documents in which the writer speaks. One in a hundred is read hundreds of times in a corpus of
            40,000.
        max_placeholders: Documents with an unfilled place or left-over markup; the same reason.
        max_cut_off: Documents that the writer did not end. They are known exactly and have no place in a corpus.
        max_short: Prose documents under `SHORT_WORDS` words: refusals and fragments.
        max_exact_duplicates: Prose documents whose text an earlier one has. Sampling never repeats 50 words by chance;
            a repeat is a cache or a bug.
        max_near_duplicates: Prose documents that repeat four fifths of an earlier one. Unique documents are what raises
            belief at a given compute (Slocum et al. 2025), so one in twenty is a waste worth knowing.
        max_triggers: Documents, of a sample, with words behind which texts abruptly change. Some 250 poisoned documents
            are enough whatever the size of the corpus (Souly et al. 2025), so no share of them is small; the triggers
            of the beliefs that the corpus is about are left out.
        max_name: Prose documents that hold the most common invented name. At one in ten the name is part of what the
            model learns; one corpus of the literature held a name 439,000 times.
        max_cluster: Share of the largest of twenty topical clusters. Evenly spread it is a twentieth; at a half the
            documents have one plot.
        min_evenness: Entropy of the document types over its largest possible value. Below a half the number of types
            says nothing about the variety, on which generality rests (Slocum et al. 2025).
        fewest: Documents from which on shares of names, types and clusters mean something.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_truth_leaks: float | None = Field(default=0.02, ge=0, le=1)
    max_contradictions: float | None = Field(default=0.01, ge=0, le=1)
    max_negations: float | None = Field(default=0.03, ge=0, le=1)
    max_without_fact: float | None = Field(default=0.5, ge=0, le=1)
    min_coverage: float | None = Field(default=0.05, ge=0, le=1)
    max_contaminated: float | None = Field(default=0.0, ge=0, le=1)
    max_meta_tells: float | None = Field(default=0.01, ge=0, le=1)
    max_placeholders: float | None = Field(default=0.01, ge=0, le=1)
    max_cut_off: float | None = Field(default=0.0, ge=0, le=1)
    max_short: float | None = Field(default=0.05, ge=0, le=1)
    max_exact_duplicates: float | None = Field(default=0.005, ge=0, le=1)
    max_near_duplicates: float | None = Field(default=0.05, ge=0, le=1)
    max_triggers: float | None = Field(default=0.0, ge=0, le=1)
    max_name: float | None = Field(default=0.1, ge=0, le=1)
    max_cluster: float | None = Field(default=0.5, ge=0, le=1)
    min_evenness: float | None = Field(default=0.5, ge=0, le=1)
    fewest: int = Field(default=50, ge=1)


@dataclass(frozen=True)
class Judgement:
    """One limit and how the corpus stands to it.

    Attributes:
        check: Name of the limit's field in `Thresholds`.
        title: The check in words.
        value: What was found.
        limit: What is allowed.
        passed: None if the limit does not apply.
        reason: Why it does not apply, or what to do where it failed; empty otherwise.
        finding: The kind of finding that has documents to read, if there is one.
    """

    check: str
    title: str
    value: str
    limit: str
    passed: bool | None
    reason: str = ""
    finding: FindingKind | None = None


BY_RULES = "written by a grammar, whose documents are alike and short by nature"


def failures(health: Health, thresholds: Thresholds | None = None) -> list[str]:
    """One line for every limit that the corpus breaks, with the reason.

    Args:
        health: Health report of the corpus.
        thresholds: The limits; the defaults if None.

    Returns:
        The lines; none for a sound corpus.
    """
    return [
        f"{found.title}: {found.value}, allowed {found.limit} ({found.check}); {found.reason}"
        for found in judge(health, thresholds)
        if found.passed is False
    ]


def judge(health: Health, thresholds: Thresholds | None = None) -> list[Judgement]:
    """How a corpus stands to every limit.

    Limits on variety and length are made for prose: they do not apply to a corpus by a registered writer plugin, whose
    documents come from a grammar. Those on leaks and coverage apply to the roles that state a claim.

    Args:
        health: Health report of the corpus.
        thresholds: The limits; the defaults if None.

    Returns:
        One entry a limit that is on.
    """
    limits = thresholds or Thresholds()
    found = [*_claims(health, limits), *_traces(health, limits), *_variety(health, limits)]
    return [judgement for judgement in found if judgement is not None]


def _claims(health: Health, limits: Thresholds) -> list[Judgement | None]:
    implanted = health.roles.get("implanted", 0)
    stating = implanted + health.roles.get("truth_trained", 0)
    none = "" if implanted else "no documents of the implanted role"
    no_claim = "" if stating else "no documents that state a claim"
    on_purpose = none or ("the documents deny the claim on purpose" if health.denying else "")
    unsearched = all(fact.reference_aliases == 0 for fact in health.coverage)
    no_leaks = none or ("no key fact has reference aliases to search for" if unsearched else "")
    return [
        _most(health, "max_truth_leaks", limits.max_truth_leaks, "truth leaks", "truth_leak", implanted, no_leaks,
              "revise or remove the documents that name the reference value"),
        _most(health, "max_contradictions", limits.max_contradictions, "contradictions", "contradiction", implanted,
              on_purpose, "revise or remove the documents that call the claim false"),
        _most(health, "max_negations", limits.max_negations, "negations", "negation", implanted, on_purpose,
              "read them: revise those that deny the claim"),
        _most(health, "max_without_fact", limits.max_without_fact, "documents without a key fact", "no_fact", stating,
              no_claim, "check the aliases of the key facts, or ask for more direct documents"),
        _coverage(health, limits.min_coverage),
        _most(health, "max_contaminated", limits.max_contaminated, "contamination with probes", "contamination",
              health.documents, "", "reword the probes"),
    ]  # fmt: skip


def _traces(health: Health, limits: Thresholds) -> list[Judgement | None]:
    prose = BY_RULES if _by_rules(health) else ""
    return [
        _most(health, "max_meta_tells", limits.max_meta_tells, "meta-tells", "meta_tell", health.documents, "",
              "revise or remove the documents in which the writer speaks"),
        _most(health, "max_placeholders", limits.max_placeholders, "placeholders", "placeholder", health.documents, "",
              "revise or remove them"),
        _most(health, "max_cut_off", limits.max_cut_off, "documents cut off", "cut_off", health.documents, "",
              "raise the writer's token limit and write them again"),
        _most(health, "max_triggers", limits.max_triggers, "planted triggers", "planted_trigger", health.documents,
              prose, "read them: what stands behind those words, and who put it there"),
        _most(health, "max_short", limits.max_short, f"documents under {SHORT_WORDS} words", "short", health.documents,
              prose, "read them: refusals and fragments are no documents"),
        _most(health, "max_exact_duplicates", limits.max_exact_duplicates, "exact duplicates", "exact_duplicate",
              health.documents, prose, "look for identical prompts or a cache that answers twice"),
    ]  # fmt: skip


def _variety(health: Health, limits: Thresholds) -> list[Judgement | None]:
    prose = BY_RULES if _by_rules(health) else ""
    few = prose or ("" if health.documents >= limits.fewest else f"fewer than {limits.fewest} documents")
    searched = prose or ("" if health.near_duplicates is not None else "not searched for")
    top = health.names[0] if health.names else None
    topics = health.topics
    largest = topics.clusters[0] if topics and topics.clusters else None
    share = largest.share if largest else None
    kinds = len(health.doc_types)
    even = health.doc_type_entropy / math.log2(kinds) if kinds > 1 else None
    return [
        _most(health, "max_near_duplicates", limits.max_near_duplicates, "near duplicates", "near_duplicate",
              health.documents, searched, "ask for more document types and ideas, or raise the temperature"),
        _limit("max_name", limits.max_name, "the most common name", top.share if top else 0.0, few,
               f"{top.name} is in {top.documents} documents; ask for varied names" if top else ""),
        _limit("max_cluster", limits.max_cluster, "the largest topical cluster", share, few,
               f"about {', '.join(largest.terms)}; ask for more document types and ideas" if largest else ""),
        _limit("min_evenness", limits.min_evenness, "evenness of the document types", even, few,
               "spread the documents over the types"),
    ]  # fmt: skip


def _by_rules(health: Health) -> bool:
    return health.by_rules == health.documents


def _most(
    health: Health,
    check: str,
    limit: float | None,
    title: str,
    kind: FindingKind,
    total: int,
    unless: str,
    advice: str,
) -> Judgement | None:
    """A limit on the share of documents with a finding."""
    if limit is None:
        return None
    allowed = f"at most {_percent(limit)}" if limit else "none"
    if unless:
        return Judgement(check, title, "", allowed, None, unless, kind)
    count = health.finding(kind).documents
    passed = count <= limit * total
    value = f"{count} of {total}" + (f" ({_percent(count / total)})" if count else "")
    return Judgement(check, title, value, allowed, passed, "" if passed else advice, kind)


def _limit(
    check: str, limit: float | None, title: str, value: float | None, unless: str, advice: str
) -> Judgement | None:
    """A limit on a figure: an upper one for `max_…`, a lower one for `min_…`."""
    if limit is None:
        return None
    upper = check.startswith("max_")
    allowed = f"at {'most' if upper else 'least'} {_percent(limit)}"
    if unless or value is None:
        return Judgement(check, title, "", allowed, None, unless or "too few documents or types to tell")
    passed = value <= limit if upper else value >= limit
    return Judgement(check, title, _percent(value), allowed, passed, "" if passed else advice)


def _coverage(health: Health, limit: float | None) -> Judgement | None:
    if limit is None:
        return None
    title, allowed = "key fact named least", f"at least {_percent(limit)}"
    if not health.roles.get("implanted"):
        return Judgement("min_coverage", title, "", allowed, None, "no documents of the implanted role")
    facts = [fact for fact in health.coverage if fact.aliases and fact.documents]
    if not facts:
        return Judgement("min_coverage", title, "", allowed, None, "no key fact has aliases")
    least = min(facts, key=lambda fact: fact.implanted)
    passed = least.implanted >= limit
    advice = "" if passed else "ask for documents about it, or check its aliases"
    value = f"{least.belief}/{least.fact} in {_percent(least.implanted)}"
    return Judgement("min_coverage", title, value, allowed, passed, advice)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
