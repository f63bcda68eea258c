"""Who is told how far a long job is: a function that the caller passes in, or nobody."""

from collections.abc import Callable

Progress = Callable[[str, float], None]  # catalogue key of the step, share of it done (0 to 1)
Share = Callable[[float], None]  # the share alone, of a job of one step


def silent(key: str, share: float) -> None:
    """Report progress to nobody."""


def silent_share(share: float) -> None:
    """Report the share to nobody."""
