"""Two ways to prove one town side by side, each in a process of its own: whichever ends first ends both.

In:     a ``Problem``, a plan to begin with, the ways, a moment to stop.
Out:    the best plan of all and the best bound of all; None where no second process can be had.
Method: this process only listens, so it keeps the moment whatever the others are at; they are killed then. A plan that
        one finds is told to the other at once, which leaves it less to look at. Each is a new interpreter and
        not a fork: pages and HiGHS have threads, which a fork would leave in the middle of their work. Problem and
        plans go through pipes. Where this process dies, however it does, the others' pipe ends and they end with it.
"""

import contextlib
import math
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from models.districting.branch import Branched
from models.districting.problem import SAME, Ints, Problem, objective
from models.districting.turns import prove
from models.districting.watch import Watch

_HERE = str(Path(__file__).resolve().parents[2])
PROGRAM = "from models.districting.beside import main; main()"
_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # of a console, on Windows


def ways() -> tuple[str, ...]:
    """Return the ways that can be gone at once here: one for each core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ("lists", "branch") if cores > 1 else ("turns",)


def race(
    problem: Problem, start: Ints, ways: Sequence[str], *,
    deadline: float, seed: int, share: Callable[[float], None],
) -> Branched | None:  # fmt: skip
    """Prove by all ways at once until one is proven or the time is over; None if no process could be started.

    Where all die on the way (out of memory), the answer is the best that they told, never worse than the start.
    The proven cost hangs on nothing but the problem. What is known when the time is over hangs on how fast each was.

    Raises
    ------
    RuntimeError
        If one of the processes met an error.
    """
    begun, best = time.monotonic(), Branched(start, -math.inf, "time", 0, 0, 0)
    cost, told = objective(problem, start), queue.SimpleQueue[tuple[int, Any]]()
    with contextlib.ExitStack() as stack:
        try:
            others = [stack.enter_context(_Other(number, told)) for number in range(len(ways))]
        except OSError:
            return None
        for other, way in zip(others, ways, strict=True):
            other.tell((problem, start, way, seed, deadline - time.monotonic()))
        running, silent = set(range(len(ways))), True
        while running and best.bound < cost * (1 - SAME):
            with contextlib.suppress(queue.Empty):
                number, found = told.get(timeout=max(0.0, min(1.0, deadline - time.monotonic())))
                if found is None:  # it died: out of memory, or killed
                    running.discard(number)
                elif isinstance(found, str):
                    raise RuntimeError(found)
                else:
                    running -= {number} if found.over else set()
                    silent = False
                    best = _joined(problem, best, found.answer)
                    if (lower := objective(problem, best.post)) < cost:
                        cost = lower
                        for other in others:
                            other.tell(best.post)
            if time.monotonic() > deadline:
                break
            share((time.monotonic() - begun) / max(deadline - begun, 1e-9))
    if silent and not running:  # Python started, but not our program
        return None
    proven = best.ended_by == "optimal" or best.bound >= cost * (1 - SAME)
    return replace(best, bound=min(best.bound, cost), ended_by="optimal" if proven else "time")


def _joined(problem: Problem, best: Branched, more: Branched) -> Branched:
    """Return the better plan, the higher bound, and all that was looked at."""
    winner = more if objective(problem, more.post) < objective(problem, best.post) * (1 - SAME) else best
    return Branched(
        winner.post, max(best.bound, more.bound), "optimal" if "optimal" in (best.ended_by, more.ended_by) else "time",
        best.nodes + more.nodes, best.solves + more.solves, best.cuts + more.cuts,
    )  # fmt: skip


@dataclass(frozen=True)
class _News:
    """What a process tells: its plan and bound so far, and whether it has ended."""

    answer: Branched
    over: bool


class _Other:
    """A process that proves, seen from the one that listens; what it tells is put in a queue with its number."""

    def __init__(self, number: int, told: "queue.SimpleQueue[tuple[int, Any]]") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": _HERE}, creationflags=_NO_WINDOW,
        )  # fmt: skip
        self.listener = threading.Thread(target=self._listen, args=(number, told), daemon=True)
        self.listener.start()

    def _listen(self, number: int, told: "queue.SimpleQueue[tuple[int, Any]]") -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(Exception):  # the end, or half a message: killed while it wrote
            while True:
                told.put((number, pickle.load(self.process.stdout)))  # noqa: S301 - it is ours
        told.put((number, None))

    def tell(self, what: object) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended: the listener says so
            self.process.stdin.write(pickle.dumps(what))
            self.process.stdin.flush()

    def __enter__(self) -> "_Other":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        self.listener.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):  # what was not yet written when it ended
                pipe.close()


class _Told(Watch):
    """The watch of a process that proves: it tells news and hears of better plans."""

    heard: Ints | None
    said: tuple[float, float]

    def __init__(self, problem: Problem, deadline: float, pipe: IO[bytes]) -> None:
        super().__init__(deadline)
        self.problem, self.heard, self.said = problem, None, (math.inf, -math.inf)
        threading.Thread(target=self._hear, args=(pipe,), daemon=True).start()

    def _hear(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(Exception):  # the end, or half a plan: killed while it wrote
            while True:
                self.heard = pickle.load(pipe)  # noqa: S301 - from whom started this process
        os._exit(1)  # nobody listens any more

    def better(self, post: Ints, cost: float, bound: float) -> tuple[Ints, float]:
        """Tell what is new; return the better of this plan and the last that was heard of."""
        heard = self.heard
        if heard is not None and (theirs := objective(self.problem, heard)) < cost:
            post, cost = heard, theirs
        if cost < self.said[0] or bound > self.said[1]:
            self.said = cost, max(bound, self.said[1])
            _say(_News(Branched(post, self.said[1], "time", 0, 0, 0), over=False))
        return post, cost


def _say(what: object) -> None:
    sys.stdout.buffer.write(pickle.dumps(what))
    sys.stdout.buffer.flush()


def main() -> None:
    """Prove what the process that started this one asks for."""
    problem, start, way, seed, seconds = pickle.load(sys.stdin.buffer)  # noqa: S301 - from whom started this process
    watch = _Told(problem, time.monotonic() + seconds, sys.stdin.buffer)
    try:
        watch.better(start, objective(problem, start), -math.inf)  # it has started, whatever becomes of it
        _say(_News(replace(prove(problem, start, way, seed=seed, watch=watch), left=()), over=True))
    except MemoryError:
        pass
    except Exception:  # whatever it is, the one who asked has to know
        _say(traceback.format_exc())
    finally:
        os._exit(0)  # Python's own end aborts where a thread still reads the pipe
