"""Two processes that prove one town: the answer is the same, the time is kept, and none is left behind."""

import dataclasses
import math
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from models.districting import beside
from models.districting.beside import race
from models.districting.problem import broken_rules, objective
from models.districting.search import search
from models.districting.solve import solve

ROOT = Path(__file__).resolve().parents[3]


def uneven(ground, *, size, count, seed=2, tolerance=0.05):
    """Villages with the heaviest a dozen times the median, and a bad plan to begin with."""
    problem = ground.random(seed, size=size, count=count, tolerance=tolerance, honest=True)
    problem = dataclasses.replace(problem, load=np.random.default_rng(seed).lognormal(0, 0.9, size))
    found = (search(problem, rng=np.random.default_rng(n), starts=1, moves=1 if size < 20 else 500) for n in range(8))
    start = max((plan for plan in found if plan.post is not None), key=lambda plan: plan.cost).post
    assert start is not None
    return problem, start


def raced(problem, start, ways=("lists", "branch"), *, seconds=600.0, share=lambda _: None):
    return race(problem, start, ways, deadline=time.monotonic() + seconds, seed=1, share=share)


@pytest.fixture
def processes(monkeypatch):
    """Every process that a test starts; none may be left."""
    started = []

    class Kept(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(beside.subprocess, "Popen", Kept)
    yield started
    assert started
    assert all(process.returncode is not None for process in started)


@pytest.mark.parametrize("ways", [("lists", "branch"), ("turns",)])
def test_whoever_ends_first_has_the_best_of_all_partitions(ground, processes, ways):
    problem, start = uneven(ground, size=9, count=3, tolerance=0.5)
    best = min(cost for deviation, cost in ground.all_partitions(problem) if deviation <= 0.5)
    found = raced(problem, start, ways)
    assert (found.ended_by, objective(problem, found.post), found.bound) == ("optimal", *[pytest.approx(best)] * 2)
    assert len(processes) == len(ways)


def test_when_the_time_is_over_the_plan_is_legal_and_no_worse_and_the_processes_are_gone(ground, processes):
    problem, start = uneven(ground, size=70, count=6)
    shares, begun = [], time.monotonic()
    found = raced(problem, start, seconds=0.0, share=shares.append)
    assert found.ended_by == "time"
    assert broken_rules(problem, found.post) == []
    assert found.bound <= objective(problem, found.post) <= objective(problem, start)
    assert time.monotonic() - begun < 60  # hardly more than starting takes, on a machine as busy as may be


def test_a_plan_that_one_finds_is_told_to_the_other(ground, processes, monkeypatch):
    problem, start = uneven(ground, size=9, count=3, tolerance=0.5)
    best = solve(problem, seed=1, time_limit_s=math.inf).post
    assert objective(problem, start) > objective(problem, best)
    # One finds the best plan and ends without a proof; the other only waits until it has heard of a plan.
    told = f"""
import numpy as np, time
from models.districting import beside
from models.districting.branch import Branched
def prove(problem, start, way, *, seed, watch):
    if way == "lists":
        return Branched(np.array({best.tolist()}), 0.0, "time", 0, 0, 0)
    while watch.heard is None:
        time.sleep(0.01)
    post, cost = watch.better(start, beside.objective(problem, start), 0.0)
    return Branched(post, cost, "optimal", 7, 0, 0)
beside.prove = prove
beside.main()
"""
    monkeypatch.setattr(beside, "PROGRAM", told)
    found = raced(problem, start)
    assert (found.ended_by, found.nodes, found.post.tolist()) == ("optimal", 7, best.tolist())


def test_an_error_in_a_process_is_told_and_ends_the_other(ground, processes, monkeypatch):
    fails = "import models.districting.beside as b; import time; " \
            "b.prove = lambda *a, **k: 1 / 0 if a[2] == 'lists' else time.sleep(600); b.main()"  # fmt: skip
    monkeypatch.setattr(beside, "PROGRAM", fails)
    problem, start = uneven(ground, size=9, count=3, tolerance=0.5)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        raced(problem, start)
    assert len(processes) == 2


def test_where_one_process_dies_the_other_goes_on_and_where_both_die_the_plan_in_hand_stays(
    ground, processes, monkeypatch
):
    problem, start = uneven(ground, size=9, count=3, tolerance=0.5)
    dies = "import models.districting.beside as b; import os; real = b.prove; b.prove = lambda *a, **k: " \
           "os._exit(1) if a[2] in {} else real(*a, **k); b.main()"  # fmt: skip
    monkeypatch.setattr(beside, "PROGRAM", dies.format(["lists"]))
    assert raced(problem, start).ended_by == "optimal"
    monkeypatch.setattr(beside, "PROGRAM", dies.format(["lists", "branch"]))
    found = raced(problem, start)
    assert (found.post.tolist(), found.bound, found.ended_by) == (start.tolist(), -math.inf, "time")


@pytest.mark.parametrize("absent", ["Python", "our program"])
def test_where_no_process_can_be_had_nothing_is_said(ground, monkeypatch, absent):
    problem, start = uneven(ground, size=9, count=3, tolerance=0.5)
    if absent == "Python":
        monkeypatch.setattr(beside.sys, "executable", str(ROOT / "no such program"))
    else:
        monkeypatch.setattr(beside, "PROGRAM", "import no_such_module")
    assert raced(problem, start) is None


def test_a_process_ends_quietly_when_it_is_done_and_at_once_where_only_half_a_plan_comes(ground):
    problem, start = uneven(ground, size=9, count=3, tolerance=0.5)
    waits = "import models.districting.beside as b, time; b.prove = lambda *a, **k: time.sleep(600); b.main()"
    for program, more, ended in ((beside.PROGRAM, b"", 0), (waits, pickle.dumps(start)[:-3], 1)):
        with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              cwd=ROOT) as other:  # fmt: skip
            assert other.stdin is not None
            other.stdin.write(pickle.dumps((problem, start, "lists", 1, 60.0)) + more)
            other.stdin.flush()
            if more:
                other.stdin.close()
            assert other.wait(timeout=60) == ended


@pytest.mark.skipif(os.name == "nt", reason="processes are looked up as POSIX has them")
def test_when_the_one_who_asked_is_killed_the_others_end_too(tmp_path):
    program = """
import time
import numpy as np
from models.districting import beside
beside.PROGRAM = "import models.districting.beside as b, time; b.prove = lambda *a, **k: time.sleep(600); b.main()"
real = beside.subprocess.Popen
def kept(*args, **kwargs):
    process = real(*args, **kwargs)
    print(process.pid, flush=True)
    return process
beside.subprocess.Popen = kept
from models.districting.problem import Problem
problem = Problem(np.ones(2), np.array([[0.0, 1.0], [1.0, 0.0]]), ((1,), (0,)), 1, 0.5)
beside.race(problem, np.zeros(2, dtype=np.int64), ("lists", "branch"), deadline=time.monotonic() + 600, seed=1,
            share=lambda _: None)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT) as asker:
        assert asker.stdout is not None
        others = [int(asker.stdout.readline()) for _ in range(2)]
        assert all(is_alive(pid) for pid in others)
        asker.kill()
    until = time.monotonic() + 60
    while any(is_alive(pid) for pid in others):
        assert time.monotonic() < until
        time.sleep(0.05)


def is_alive(pid):
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"  # nobody here waits for it
    except OSError:
        return False
