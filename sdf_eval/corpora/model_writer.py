"""A language model as a writer: kinds of document, ideas, documents, one revision each, every answer in a ledger.

The plan is kept to the call. A model that names too few kinds or ideas is not asked again: the kinds are filled up from
`corpora/doc_types.yaml`, the ideas used again with another sample. A document that is refused (see
`sdf_eval.corpora.admission`), or that shares a wording with a probe of its belief, is replaced by the next spare place
of the outline, so that the order is still met exactly; these replacements, two calls each, are the only calls beyond
the plan. They are counted, and there are at most a tenth of the order (at least ten) of them; more refusals than that
end the run with the reasons.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Self

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.callers import open_caller
from sdf_eval.corpora.calls import CallCounts, Caller
from sdf_eval.corpora.outline import first_places, outline
from sdf_eval.corpora.records import CorpusRequest, Document
from sdf_eval.corpora.stage_calls import StageCalls, refuse_factors
from sdf_eval.corpora.stages import Observer, Shortfall, Stages
from sdf_eval.errors import InputError


class ModelWriter:
    """Writes documents with a model. See `sdf_eval.corpora.records.Writer`.

    Args:
        model: An Inspect model name, for instance `anthropic/claude-opus-4-7`.
        ledger: SQLite file that keeps every answer, from which a killed run resumes; None is one in the user's cache
            folder.
        batch: Use the provider's batch interface: half the price, hours instead of minutes.
        connections: Calls in flight at most.
        max_cost: Stop before more than this many dollars are spent.
        attempts: How often a call is tried before it counts as refused.
        avoid: Further beliefs of a panel: a document that shares a wording with one of their probes is replaced too.

    Example:
        with ModelWriter("anthropic/claude-opus-4-7", Path("mine.ledger.sqlite"), max_cost=20) as writer:
            write_corpus(writer, request, "corpora/mine")
            print(writer.counts)
    """

    def __init__(
        self,
        model: str,
        ledger: Path | None = None,
        *,
        batch: bool = False,
        connections: int = 16,
        max_cost: float | None = None,
        attempts: int = 3,
        avoid: Sequence[Belief] = (),
    ) -> None:
        self.name = model
        self.ledger = ledger or default_ledger()
        self.batch = batch
        self.avoid = avoid
        self.shortfall = Shortfall()
        self._connections = connections
        self._max_cost = max_cost
        self._attempts = attempts
        self._opening: AbstractContextManager[Caller] | None = None
        self._caller: Caller | None = None
        self._counts: CallCounts | None = None

    def __enter__(self) -> Self:
        try:
            self.ledger.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{self.ledger}: cannot be made: {error.strerror}; give another --out or --ledger"
            ) from None
        self._opening = open_caller(
            self.name,
            self.ledger,
            batch=self.batch,
            connections=self._connections,
            max_cost=self._max_cost,
            attempts=self._attempts,
        )
        self._caller = self._opening.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._opening is not None and self._caller is not None
        try:
            self._opening.__exit__(kind, error, trace)
        finally:
            self._counts = self.counts
            self._caller = None

    @property
    def counts(self) -> CallCounts | None:
        """Counts of the calls since the writer was made, however often it was opened; None before the first time."""
        if self._caller is None:
            return self._counts
        return self._caller.counts if self._counts is None else self._counts + self._caller.counts

    def write(self, request: CorpusRequest) -> Iterator[Document]:
        """Yields exactly the documents asked for, in the order of the outline, the spare ones last.

        Outside a `with` block the ledger is opened for this order alone, and `max_cost` counts for it alone.

        Raises:
            InputError: A factor cannot be asked of a model, more documents were refused than there are spare ones, or
                the caller stops (`max_cost`, a wrong key, no such model).
        """
        with self._stages(request, None) as stages:
            yield from stages.documents(outline(request).places())

    def pilot(self, request: CorpusRequest, documents: int, observe: Observer) -> Iterator[Document]:
        """Yields the first documents of an order. Their answers stay in the ledger: the whole order takes them up.

        Args:
            request: The whole order.
            documents: How many to write; those that are refused are left out.
            observe: Told of every admitted answer.
        """
        places = first_places(outline(request), documents)
        with self._stages(request, observe) as stages:
            yield from stages.documents(places, needed=places)

    def plain_text(self, count: int, seed: int, *, model: str) -> Iterator[str]:
        """Refuses: plain texts for mixing are not asked of a model.

        Raises:
            InputError: Any text is wanted.
        """
        if count:
            raise InputError(
                f"writer {self.name}: writes no plain texts to mix in; bring some with --plain FILE, or set "
                "mix_ratio: 0 in the recipe"
            )
        return iter(())

    @contextmanager
    def _stages(self, request: CorpusRequest, observe: Observer | None) -> Iterator[Stages]:
        refuse_factors(request.factors, self.name)
        calls = StageCalls(request, outline(request), self.name)
        with nullcontext() if self._caller else self:
            yield Stages(self._current(), calls, self.shortfall, observe, self.avoid)

    def _current(self) -> Caller:
        assert self._caller is not None
        return self._caller


def default_ledger() -> Path:
    """The ledger of a writer that was not given one: answers are keyed by what was asked, so all may share it."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "sdf-eval" / "ledger.sqlite"
