"""The errors that a person can mend; everything else is a defect and keeps its traceback."""


class InputError(Exception):
    """Something that the user wrote or named is wrong.

    The message is one line that names the file (or option), the key and the fix. The command line
    prints it and exits with status 2.
    """


class UndefinedEstimate(ValueError):
    """A statistic has no defined value on this data, for instance a ratio whose denominator's interval holds 0."""
