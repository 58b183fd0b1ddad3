"""Documents that somebody already has -> a corpus folder with the same checks as one that we wrote.

The source is read twice, row by row: once to count and hash what is kept, once to write it. Texts are never altered.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.records import CorpusRequest, CorpusRole, Document
from sdf_eval.corpora.rows import Row, open_rows
from sdf_eval.corpora.write import Corpus, text_sha256, write_corpus
from sdf_eval.errors import InputError

TAKEN_OVER = (
    "domain", "subdomain", "doc_type", "idea", "framing", "stance", "source_mark", "prompt_version", "stop_reason",
)  # fmt: skip
"""Text columns that go into the `Document` field of that name."""
ALSO_CALLED = {"doc_idea": "idea"}
NOT_WHOLE = {"max_tokens", "length", "model_length", "refusal", "content_filter"}
"""Values of a `stop_reason` column that say that the text was cut off or refused."""
_LISTED = 5


@dataclass
class Skipped:
    """Rows that were left out for one reason.

    Attributes:
        count: How many.
        first: The first of them, by file and line.
    """

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, where: str) -> None:
        """Counts one more row."""
        self.count += 1
        if len(self.first) < _LISTED:
            self.first.append(where)


@dataclass(frozen=True)
class ImportReport:
    """What became of the rows.

    Attributes:
        rows: Rows in the source.
        kept: Documents in the corpus.
        skipped: Reason -> rows left out.
        ignored: Column -> values that were of the wrong type, or named no key fact, and gave way to the default.
        corpus: The corpus.
    """

    rows: int
    kept: int
    skipped: Mapping[str, Skipped]
    ignored: Mapping[str, int]
    corpus: Corpus


def import_corpus(
    source: Path | str,
    beliefs: Sequence[Belief],
    role: CorpusRole,
    out: Path | str,
    *,
    text_column: str = "text",
    near_duplicates: bool = True,
    progress: Callable[[int], None] | None = None,
    checked: Callable[[int], None] | None = None,
) -> ImportReport:
    """Makes a corpus folder of documents from elsewhere.

    Rows without text, repeated texts, and rows whose `stop_reason` says that the text is not whole, are left out and
    counted. Columns that a `Document` has are taken over; with several beliefs a `belief` column says whose a row is.

    Args:
        source: JSON lines (also gzipped), parquet, or a Hugging Face dataset on disk.
        beliefs: The beliefs that the documents are about.
        role: What the documents do.
        out: The corpus folder.
        text_column: Where the texts are.
        near_duplicates: Search for near duplicates, the slow part of the health report.
        progress: Called with 1 for every document written.
        checked: Called with 1 for every document checked.

    Returns:
        The corpus and what was left out.

    Raises:
        InputError: A line that cannot be read, no text at all, a row of an unknown belief or of another role, or all
            that `write_corpus` raises.
    """
    writer = _RowWriter(Path(source), beliefs, role, text_column)
    survey = writer.survey()
    requests = [
        CorpusRequest(belief=belief, role=role, documents=survey.kept[belief.id], seed=0)
        for belief in beliefs
        if survey.kept[belief.id]
    ]
    corpus = write_corpus(writer, requests, out, near_duplicates=near_duplicates, progress=progress, checked=checked)
    return ImportReport(survey.rows, survey.kept.total(), survey.skipped, survey.ignored, corpus)


class _RowWriter:
    """A `Writer` whose documents are rows. Its name holds a hash of them: a changed source is another corpus."""

    def __init__(self, source: Path, beliefs: Sequence[Belief], role: CorpusRole, text_column: str) -> None:
        self.name = f"import:{source.name}"
        self._source, self._rows = source, open_rows(source)
        self._beliefs, self._role, self._column = beliefs, role, text_column

    def survey(self) -> _Sieve:
        """Reads everything once."""
        sieve = self._sieve()
        content = hashlib.sha256()
        for document in sieve.documents(self._rows()):
            content.update(document.model_dump_json().encode() + b"\n")
        if not sieve.kept.total():
            columns = f"the columns are {', '.join(sieve.columns)}" if sieve.columns else "there are no rows"
            raise InputError(
                f"{self._source}: no row has a text in column {self._column!r}; {columns}; name one by --text-column"
            )
        self.name = f"{self.name}@{content.hexdigest()[:12]}"
        return sieve

    def write(self, request: CorpusRequest) -> Iterator[Document]:
        """Yields the documents of one belief, in the order of the source."""
        for document in self._sieve().documents(self._rows()):
            if document.belief == request.belief.id:
                yield document

    def plain_text(self, count: int, seed: int, *, model: str) -> Iterator[str]:
        """Raises InputError: imported documents are about a belief."""
        raise InputError(f"--writer: {self.name}: has no plain text; give some by --plain FILE")

    def _sieve(self) -> _Sieve:
        return _Sieve(self._beliefs, self._role, self._column, self.name)


class _Sieve:
    """Turns rows into documents and counts what stays behind; the same rows give the same documents each time."""

    def __init__(self, beliefs: Sequence[Belief], role: CorpusRole, text_column: str, writer: str) -> None:
        self._beliefs = {belief.id: belief for belief in beliefs}
        self._facts = {
            belief.id: {
                name: fact.id for fact in belief.key_facts for name in (fact.id, fact.implanted, fact.reference)
            }
            for belief in beliefs
        }
        self._role, self._column, self._writer = role, text_column, writer
        self._texts: set[bytes] = set()
        self._ids: set[str] = set()
        self.rows, self.kept = 0, Counter[str]()
        self.skipped: dict[str, Skipped] = {}
        self.ignored = Counter[str]()
        self.columns: tuple[str, ...] = ()

    def documents(self, rows: Iterator[Row]) -> Iterator[Document]:
        """Yields the documents of the rows that are kept."""
        for row in rows:
            self.rows += 1
            self.columns = self.columns or tuple(row.columns)
            reason = self._reason(row)
            if reason:
                self.skipped.setdefault(reason, Skipped()).add(row.where)
                continue
            document = self._document(row)
            self.kept[document.belief] += 1
            yield document

    def _reason(self, row: Row) -> str | None:
        """Why a row is left out, or None."""
        text = row.columns.get(self._column)
        if text is None or text == "":
            return "empty"
        if not isinstance(text, str):
            return "invalid: no text"
        if not text.strip():
            return "empty"
        if not _encodes(text):
            return "invalid: half a surrogate pair"
        if _text(row.columns.get("stop_reason")) in NOT_WHOLE:
            return "invalid: cut off or refused by its stop_reason"
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        if digest in self._texts:
            return "duplicate"
        self._texts.add(digest)
        return None

    def _document(self, row: Row) -> Document:
        text = row.columns[self._column]
        belief = self._belief(row)
        role = row.columns.get("role")
        if role is not None and role != self._role:
            raise InputError(f"{row.where}: role: is {role!r}, but --role is {self._role!r}; import one role at a time")
        fields = self._fields(row.columns)
        return Document(
            id=self._id(row, belief),
            text=text,
            belief=belief,
            role=self._role,
            fact=self._fact(row.columns.get("fact"), belief),
            writer=self._writer,
            seed=0,
            tokens=tokens if type(tokens := row.columns.get("tokens")) is int else None,
            sha256=text_sha256(text),
            **{"doc_type": "unknown", **fields},
        )

    def _belief(self, row: Row) -> str:
        named = row.columns.get("belief")
        if named is None and len(self._beliefs) == 1:
            return next(iter(self._beliefs))
        if not isinstance(named, str) or named not in self._beliefs:
            what = "is missing" if named is None else f"{named!r} is none of {', '.join(self._beliefs)}"
            raise InputError(f"{row.where}: belief: {what}; name each belief's file by --belief")
        return named

    def _id(self, row: Row, belief: str) -> str:
        named = row.columns.get("id")
        if not isinstance(named, str) or not named.strip() or not _encodes(named):
            return f"{belief}-row-{row.number}"
        if named in self._ids:
            raise InputError(f"{row.where}: id: {named!r} stands twice; rename the column or one of the ids")
        self._ids.add(named)
        return named

    def _fact(self, named: Any, belief: str) -> str:
        """The id of a key fact that a row names by id or wording; the only one where the row names none."""
        facts = self._facts[belief]
        if isinstance(named, str) and named in facts:
            return facts[named]
        if named:
            self.ignored["fact"] += 1
        only = self._beliefs[belief].key_facts
        return only[0].id if len(only) == 1 else ""

    def _fields(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name in (*ALSO_CALLED, *TAKEN_OVER):
            value = columns.get(name)
            if isinstance(value, str) and _encodes(value):
                fields[ALSO_CALLED.get(name, name)] = value
            elif value is not None:
                self.ignored[name] += 1
        return fields


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
