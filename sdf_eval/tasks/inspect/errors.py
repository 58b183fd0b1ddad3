"""Bad input as Inspect's own command line shows it: one line and no traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

# Not in Inspect's public interface, and the only error that its command prints without a traceback.
from inspect_ai._util.error import PrerequisiteError
from rich.markup import escape

from sdf_eval.errors import InputError


class InspectInputError(InputError, PrerequisiteError):
    """Bad input that was found while Inspect was in charge."""

    def __init__(self, line: str) -> None:
        Exception.__init__(self, line)
        # Inspect prints it through rich, which would take a bracket in a path for markup.
        self.message = escape(line)


@contextmanager
def one_line() -> Iterator[None]:
    """Turns bad input into the error that Inspect prints as a line.

    Raises:
        InspectInputError: The block raised an `InputError`.
    """
    try:
        yield
    except InputError as error:
        raise InspectInputError(str(error)) from error
