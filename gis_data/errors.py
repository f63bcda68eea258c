"""The six errors a person can meet. Each is one sentence: what, where, what to do.

An error carries a catalogue key and its values; ``str(error)`` is the whole sentence in the language of the
running context, so that page, log, command line and test read the same.
"""

from typing import Any

from gis_data.catalogue import text


class PatrolError(Exception):
    """Base of all errors that a person can mend."""

    def __init__(self, key: str, **values: Any) -> None:  # noqa: ANN401 - any value can be printed
        super().__init__(key)
        self.key = key
        self.values = values

    def __str__(self) -> str:
        """Return the sentence for the person."""
        return text(f"error.{self.key}", **self.values)


class InputError(PatrolError):
    """A file is missing, unreadable, empty, or holds what it must not hold."""


class SchemaError(PatrolError):
    """A table lacks a column, or a column holds values outside its range."""


class CrsError(PatrolError):
    """A table is in another coordinate reference system than the study."""


class InfeasibleError(PatrolError):
    """No plan satisfies the stated rules; the sentence says which rule and what can be changed."""


class WorkspaceError(PatrolError):
    """The workspace folder is missing, of another version, or damaged."""


class AccessError(PatrolError):
    """The signed-in role may not do this."""
