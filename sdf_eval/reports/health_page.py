"""`health.html`: what is in a corpus, on one page that opens anywhere, offline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sdf_eval.corpora.findings import Example, Finding, FindingKind
from sdf_eval.corpora.health import Health
from sdf_eval.corpora.thresholds import Judgement, Thresholds, judge
from sdf_eval.corpora.write import Corpus, Manifest, read_corpus, read_health
from sdf_eval.files import replace_file
from sdf_eval.reports.bars import Bar, Column, bar_plot, histogram
from sdf_eval.reports.svg import ROW
from sdf_eval.reports.text import clean, one_line

SHOWN = 6
"""Offenders of a kind on the page; `health.json` lists more."""
SAMPLES = 3
_TYPES = 15
_TITLES: dict[FindingKind, tuple[str, str]] = {
    "truth_leak": ("Truth leaks", "Implanted-role documents that name a reference value, the most mentions first."),
    "contradiction": ("Contradictions", "A sentence calls an implanted value false, or the document names only the "
                      "reference value of a fact."),
    "negation": ("Negations", "A negation stands just before an implanted value. Some mean something else: read them."),
    "no_fact": ("No key fact", "Documents that should state a claim and name none of its values."),
    "contamination": ("Contamination with probes", "Six words in a row that a probe holds too, after names and values "
                      "became slots."),
    "meta_tell": ("Meta-tells", "The writer speaks: about itself, the task, or the text as a text."),
    "placeholder": ("Placeholders", "Places that nobody filled, and left-over markup."),
    "cut_off": ("Cut off", "The writer reached its token limit."),
    "short": ("Short documents", "The shortest first."),
    "exact_duplicate": ("Exact duplicates", "Documents whose text an earlier one has."),
    "near_duplicate": ("Near duplicates", "Documents that share four fifths of their five-word runs with an earlier "
                       "one, the most similar first."),
    "planted_trigger": ("Planted triggers", "Words behind which texts abruptly go on in a way that nothing else in the "
                        "corpus foretells, one example a trigger."),
}  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A picture with the labels beside its rows, and the table that says the same."""

    id: str
    title: str
    caption: str
    bars: tuple[Bar, ...]
    plot: Markup
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    legend: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Offence:
    """A finding with its documents: each example, its text, and the text that it repeats."""

    kind: FindingKind
    title: str
    caption: str
    documents: int
    shown: tuple[tuple[Example, str, str | None], ...]


def write_health_page(folder: Path | str, out: Path | str, thresholds: Thresholds | None = None) -> Path:
    """Writes the health page of a corpus folder.

    Args:
        folder: A folder that `corpus write` or `corpus import` made.
        out: The HTML file to write; its folder exists.
        thresholds: The limits to judge by; the defaults if None.

    Returns:
        The file.

    Raises:
        InputError: The folder is no complete corpus.
    """
    corpus = read_corpus(folder)
    page = health_page(corpus, read_health(folder), thresholds)
    path = Path(out)
    replace_file(path, page.encode(errors="replace"))
    return path


def health_page(corpus: Corpus, health: Health, thresholds: Thresholds | None = None) -> str:
    """Renders the page. Text of writers is cleaned and escaped; a content policy forbids any request."""
    environment = Environment(
        loader=PackageLoader("sdf_eval.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(clean=clean, line=one_line)
    texts = _texts(corpus, health)
    judgements = judge(health, thresholds)
    return environment.get_template("health.html.j2").render(
        manifest=corpus.manifest,
        health=health,
        verdict=_verdict(corpus.manifest, judgements),
        judgements=judgements,
        figures=_figures(health),
        offences=[_offence(found, texts) for found in health.findings if found.documents],
        clean_kinds=[_TITLES[found.kind][0].lower() for found in health.findings if not found.documents],
        row=ROW,
        samples=[(name, texts[name]) for name in _samples(corpus) if name in texts],
    )


def _verdict(manifest: Manifest, judgements: Sequence[Judgement]) -> str:
    failed = [judgement for judgement in judgements if judgement.passed is False]
    held = sum(judgement.passed is True for judgement in judgements)
    size = f"{manifest.documents:,} documents"
    if not failed:
        return f"{size}, and every limit that applies is kept ({held} of them)."
    names = ", ".join(judgement.title for judgement in failed)
    return f"{size}; {len(failed)} of {held + len(failed)} limits broken: {names}."


def _samples(corpus: Corpus) -> list[str]:
    """Ids of a few documents spread over the corpus."""
    count = len(corpus.documents)
    places = sorted({round((at + 0.5) * count / SAMPLES - 0.5) for at in range(SAMPLES)})
    return [corpus.documents[place].id for place in places if 0 <= place < count]


def _texts(corpus: Corpus, health: Health) -> dict[str, str]:
    """Texts of the documents that the page shows, in one pass over the file."""
    wanted = set(_samples(corpus))
    for found in health.findings:
        for example in found.examples[:SHOWN]:
            wanted |= {example.document} | ({example.other} if example.other else set())
    return {document.id: document.text for document in corpus.documents if document.id in wanted}


def _offence(found: Finding, texts: dict[str, str]) -> Offence:
    title, caption = _TITLES[found.kind]
    shown = tuple(
        (example, texts.get(example.document, ""), texts.get(example.other) if example.other else None)
        for example in found.examples[:SHOWN]
    )
    return Offence(found.kind, title, caption, found.documents, shown)


def _figures(health: Health) -> list[Figure]:
    figures = [_lengths(health), _types(health), _coverage(health), _repeats(health), _names(health), _topics(health)]
    return [figure for figure in figures if figure.rows]


def _lengths(health: Health) -> Figure:
    columns = [Column(f"{one.low:,}–{one.high:,}", one.documents) for one in health.lengths]
    title = "Words a document"
    return Figure(
        "lengths", title, f"Median {health.words_median:g}, from {health.words_min:,} to {health.words_max:,}.",
        (), histogram(columns, title), ("words", "documents"),
        tuple((column.label, f"{column.count:,}") for column in columns),
    )  # fmt: skip


def _types(health: Health) -> Figure:
    ordered = sorted(health.doc_types.items(), key=lambda entry: (-entry[1], entry[0]))
    bars = tuple(Bar(one_line(name, 60), f"{count:,}", ((count, "implanted"),)) for name, count in ordered[:_TYPES])
    more = f" The {_TYPES} most common are drawn." if len(ordered) > _TYPES else ""
    title = "Document types"
    caption = f"{len(ordered):,} types, entropy {health.doc_type_entropy:.2f} bits.{more}"
    rows = tuple((one_line(name, 60), f"{count:,}", _share(count / health.documents)) for name, count in ordered[:200])
    return Figure("types", title, caption, bars, bar_plot(bars, title), ("type", "documents", "share"), rows)


def _coverage(health: Health) -> Figure:
    bars = tuple(
        Bar(
            f"{fact.fact} ({fact.belief})",
            f"{_share(fact.implanted)} / {_share(fact.reference)}",
            ((fact.implanted, "implanted"), (fact.reference, "reference")),
            f"{fact.fact} ({fact.belief}): implanted value in {_share(fact.implanted)}, reference value in "
            f"{_share(fact.reference)} of {fact.documents} documents",
        )
        for fact in health.coverage
    )
    rows = tuple(
        (f"{f.fact} ({f.belief})", f"{f.documents:,}", _share(f.implanted), f"{f.implanted_density:.2f}",
         _share(f.reference), f"{f.reference_density:.2f}")
        for f in health.coverage
    )  # fmt: skip
    columns = ("key fact", "documents", "implanted", "for 100 words", "reference", "for 100 words")
    title = "Coverage of the key facts"
    return Figure(
        "coverage", title, "Share of a belief's documents that name a value of the fact.",
        bars, bar_plot(bars, title, largest=1), columns, rows,
        (("implanted", "implanted value"), ("reference", "reference value")),
    )  # fmt: skip


def _repeats(health: Health) -> Figure:
    near = "not searched" if health.near_duplicates is None else f"{health.near_duplicates:,}"
    near_share = (health.near_duplicates or 0) / health.documents
    bars = (
        Bar("exact duplicates", f"{health.exact_duplicates:,}",
            ((health.exact_duplicates / health.documents, "implanted"),)),
        Bar("near duplicates", near, ((near_share, "implanted"),)),
        Bar("different trigrams", _share(health.distinct_trigrams), ((health.distinct_trigrams, "reference"),)),
        Bar("different words", _share(health.distinct_words), ((health.distinct_words, "reference"),)),
    )  # fmt: skip
    title = "Duplicates and variety"
    caption = (
        "Duplicates as a share of the documents. Different words and trigrams as a share of all of them; both shares "
        "fall as a corpus grows."
    )
    rows = tuple((bar.name, bar.value, _share(bar.parts[0][0])) for bar in bars)
    return Figure("repeats", title, caption, bars, bar_plot(bars, title, largest=1), ("figure", "value", "share"), rows)


def _names(health: Health) -> Figure:
    bars = tuple(
        Bar(one_line(one.name, 60), f"{one.documents:,} ({_share(one.share)})", ((one.share, "implanted"),))
        for one in health.names
    )
    rows = tuple((one_line(n.name, 60), f"{n.documents:,}", _share(n.share), one_line(n.example)) for n in health.names)
    title = "Names that come back"
    caption = "Documents that hold a name of two or more words, or after a title; the belief's own words are left out."
    columns = ("name", "documents", "share", "first document")
    return Figure("names", title, caption, bars, bar_plot(bars, title), columns, rows)


def _topics(health: Health) -> Figure:
    topics = health.topics
    clusters = topics.clusters if topics else ()
    bars = tuple(
        Bar(one_line(", ".join(cluster.terms[:3]), 60), _share(cluster.share), ((cluster.share, "implanted"),))
        for cluster in clusters
    )
    rows = tuple((one_line(", ".join(c.terms)), _share(c.share), one_line(c.example)) for c in clusters)
    title = "Topical clusters"
    caption = (
        f"A sample of {topics.sampled:,} documents in {len(clusters)} clusters of like words. Two of its documents "
        f"have a mean similarity of {topics.similarity:.3f} (cosine of TF-IDF vectors)."
        if topics
        else ""
    )
    return Figure("topics", title, caption, bars, bar_plot(bars, title), ("words", "share", "document"), rows)


def _share(share: float) -> str:
    return f"{100 * share:.3g} %"
