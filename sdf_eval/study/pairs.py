"""Item records as the plain arrays that `sdf_eval.measure` takes, paired by item and training run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from sdf_eval.belief.item import Context
from sdf_eval.results.schema import ItemRecord, Role

Where = Callable[[ItemRecord], bool]


def runs(records: Sequence[ItemRecord]) -> list[str]:
    """The training run of each record; where bases are pooled, the base, within which runs are no replicates."""
    return [record.base or record.run for record in records]


class Index:
    """Item records by arm, item and run."""

    def __init__(self, records: Iterable[ItemRecord]) -> None:
        """Indexes the records of one run, or of several pooled ones. Those after later stages are left out."""
        self._arms: dict[tuple[Role, Context], dict[tuple[str, str, str], ItemRecord]] = defaultdict(dict)
        for record in (record for record in records if not record.stage):
            self._arms[record.role, record.context][record.base, record.item, record.run] = record

    @property
    def arms(self) -> Mapping[tuple[Role, Context], Mapping[tuple[str, str, str], ItemRecord]]:
        """(role, context) -> (base, item, run) -> record."""
        return self._arms

    def records(self, role: Role, where: Where, context: Context = "none") -> list[ItemRecord]:
        """Records of an arm that pass a test, in the order in which they were added."""
        return [record for record in self._arms.get((role, context), {}).values() if where(record)]

    def pairs(
        self, treated: Role, control: Role, where: Where, *, control_context: Context = "none"
    ) -> list[tuple[ItemRecord, ItemRecord]]:
        """The same items on two arms, in the same run where both are trained.

        Args:
            treated: Role of the first of a pair, without context.
            control: Role of the second.
            where: Test of the first.
            control_context: Context of the second.

        Returns:
            (treated, control) pairs; items that the control was not measured on are left out.
        """
        other = self._arms.get((control, control_context), {})
        found = []
        for record in self.records(treated, where):
            match = other.get((record.base, record.item, "" if control == "base" else record.run))
            if match is not None:
                found.append((record, match))
        return found
