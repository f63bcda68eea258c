"""One history for all edits of a session: what was done, in order, and what was taken back and can be done again."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class History:
    """Edits done, the last one last, and edits taken back, the next to do again last."""

    done: tuple[Any, ...] = ()
    undone: tuple[Any, ...] = ()

    def plus(self, edit: Any) -> "History":  # noqa: ANN401 - a change to any plan
        """Return the history with one more edit; what was taken back cannot be done again after it."""
        return History((*self.done, edit))

    def undo(self) -> "History":
        """Return the history without its last edit; itself where there is none."""
        return History(self.done[:-1], (*self.undone, self.done[-1])) if self.done else self

    def redo(self) -> "History":
        """Return the history with the edit taken back last; itself where there is none."""
        return History((*self.done, self.undone[-1]), self.undone[:-1]) if self.undone else self
