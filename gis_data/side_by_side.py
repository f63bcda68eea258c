"""Side by side: work that does not wait for other work, done in threads at the same time.

In:     functions of which none needs what another finds, and none changes anything.
Out:    what they return, in their order.
Method: numpy, Arrow, GEOS and PROJ let other threads run while they work on whole columns, so two such tasks take the
        time of the longer one and a little more. The first runs in the calling thread, whose memory is at hand; all
        have ended when the call returns, whatever became of them. On one processor they take turns.
"""

import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar, overload

import pyarrow as pa

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


def give_back() -> None:
    """Give freed memory back to the system: what one thread has freed no other one uses, and it adds up."""
    pa.system_memory_pool().release_unused()


@overload
def side_by_side(first: Callable[[], A], second: Callable[[], B], /) -> tuple[A, B]: ...
@overload
def side_by_side(first: Callable[[], A], second: Callable[[], B], third: Callable[[], C], /) -> tuple[A, B, C]: ...
def side_by_side(first: Callable[[], Any], *others: Callable[[], Any]) -> tuple[Any, ...]:
    """Return what the tasks return; of several that fail the first one's error is raised, as one after the other."""
    more = (os.cpu_count() or 1) - 1
    if not more:
        return (first(), *(task() for task in others))
    # pandas mutes single warnings for a moment, for all threads at once: what was muted before is muted after.
    with warnings.catch_warnings(), ThreadPoolExecutor(min(more, len(others))) as threads:
        begun = [threads.submit(copy_context().run, task) for task in others]
        return (first(), *(one.result() for one in begun))
