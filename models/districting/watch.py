"""When work has to end, and what is found beside it meanwhile.

In:     a moment of the monotonic clock.
Out:    the seconds left; for work in two processes also the better plan of the two (``beside``).
"""

import math
import time

from models.districting.problem import Ints


class Watch:
    """Asked between the steps of a proof."""

    def __init__(self, deadline: float = math.inf, *, longer: "Watch | None" = None) -> None:
        self.deadline, self.longer = deadline, longer

    @property
    def left_s(self) -> float:
        """Seconds left, never less than 0."""
        return max(0.0, self.deadline - time.monotonic())

    def over(self) -> bool:
        """Tell whether work has to end."""
        return time.monotonic() > self.deadline

    def better(self, post: Ints, cost: float, bound: float) -> tuple[Ints, float]:
        """Tell the best plan and the bound so far; return the best plan that is known by now, and its cost."""
        return (post, cost) if self.longer is None else self.longer.better(post, cost, bound)

    def until(self, deadline: float) -> "Watch":
        """Return a watch that ends no later than a moment."""
        return Watch(min(self.deadline, deadline), longer=self)


FOR_EVER = Watch()
