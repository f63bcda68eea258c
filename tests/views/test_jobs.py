"""Long work: the real command in a process of its own; a stop leaves the last complete state; one at a time."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from gis_data import audit
from gis_data.errors import InputError
from gis_data.workspace import Workspace
from models import store
from views import jobs


@dataclass
class Clock:
    """A clock that stands still unless it is put forward, for what the module under test reckons."""

    now: float = 1_700_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock()
    monkeypatch.setattr(jobs, "time", stopped)
    return stopped


@pytest.fixture
def town(tiny_station: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_station, tmp_path / "town"))


def ended(root: Path, *, seconds: float = 300) -> jobs.Work:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        now = jobs.current(root)
        assert now is not None
        if now.state != jobs.RUNNING:
            return now
        time.sleep(0.05)
    raise AssertionError("the work did not end")


def test_work_runs_beside_us_and_what_it_made_is_there_at_the_end(town, tmp_path):
    before = store.current_run(Workspace.open(town)).name
    files = tmp_path / "files"
    files.mkdir()
    jobs.start(town, ["plan", "hotspots"], lang="zh", clear=[files], about={"page": "plans"})
    with pytest.raises(InputError, match="已有工作"):
        jobs.start(town, ["print"], lang="zh")
    done = ended(town)
    assert (done.state, done.about) == (jobs.DONE, {"page": "plans"}), done.problem
    assert "热点" in done.said
    assert not files.exists()
    ws = Workspace.open(town)
    assert store.current_run(ws).name != before
    assert json.loads((town / "plans" / "step_seconds.json").read_text())["command.step.hotspots"] >= 0
    jobs.put_away(town)
    assert jobs.current(town) is None


def test_a_stop_leaves_the_last_complete_state(town):
    before = {name: plan.head() for name, plan in store.load_plans(Workspace.open(town)).items()}
    jobs.start(town, ["plan"], lang="zh")
    jobs.stop(town)
    assert ended(town).state == jobs.STOPPED
    ws = Workspace.open(town)
    assert {name: plan.head() for name, plan in store.load_plans(ws).items()} == before
    assert len(ws.read("incidents")) > 0
    jobs.start(town, ["audit"], lang="zh")  # and work can be started again
    assert ended(town).state == jobs.DONE


def test_work_that_fails_says_its_sentence(town):
    jobs.start(town, ["plan", "nonsense"], lang="en")
    failed = ended(town)
    assert failed.state == jobs.FAILED
    assert "nonsense" in failed.problem
    assert "Traceback" not in failed.problem


def test_work_whose_server_died_is_not_taken_for_running(town):
    folder = town / "jobs"
    folder.mkdir()
    (folder / "job.json").write_text(json.dumps({"command": ["plan"], "pid": 2**22 + 1, "started": 0, "about": {}}))
    old = time.time() - 60
    os.utime(folder / "job.json", (old, old))
    assert jobs.current(town).state == jobs.FAILED
    # A file that is gone when it is looked at: its end is just being written under its own name.
    (folder / ".ended.json.draft").symlink_to("gone")
    assert jobs.current(town).state == jobs.RUNNING


def test_a_process_of_another_account_is_alive_though_it_may_not_be_asked(monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert jobs._is_alive(1)


def test_work_is_running_until_its_end_is_written(town, monkeypatch):
    """What it leaves behind is cleared first, which takes a while on a busy machine."""
    cleared = threading.Event()
    monkeypatch.setattr(jobs, "_begin", lambda *_: subprocess.Popen([sys.executable, "-c", ""]))
    monkeypatch.setattr(jobs, "_remember", lambda _: cleared.wait(60))
    jobs.start(town, ["audit"], lang="zh")
    head = town / "jobs" / "job.json"
    while jobs._is_alive(json.loads(head.read_text(encoding="utf-8"))["pid"]):
        time.sleep(0.01)
    os.utime(head, (time.time() - 60,) * 2)
    assert jobs.current(town).state == jobs.RUNNING
    cleared.set()
    assert ended(town).state == jobs.DONE


def test_of_two_pages_that_start_work_in_the_same_moment_one_does(town, monkeypatch):
    begun, at_once = [], threading.Barrier(2)

    def begin(*_):
        begun.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
        return begun[-1]

    def ask(_):
        at_once.wait()
        try:
            jobs.start(town, ["audit"], lang="zh")
        except InputError as problem:
            return str(problem)
        return ""

    monkeypatch.setattr(jobs, "_begin", begin)
    with ThreadPoolExecutor(2) as pages:
        told = sorted(pages.map(ask, range(2)))
    for process in begun:
        process.communicate(b"\n")
    assert [len(begun), told[0], "已有工作" in told[1]] == [1, "", True]
    assert ended(town).state == jobs.DONE


def test_the_estimate_goes_by_what_each_step_took_last_time(town, clock):
    folder = town / "jobs"
    folder.mkdir()
    head = {"command": ["plan", "zones", "beats"], "pid": os.getpid(), "started": clock.now - 10, "about": {}}
    (folder / "job.json").write_text(json.dumps(head))
    line = {"step": "command.step.zones", "share": 0.0, "at": clock.now - 10}
    last = line | {"share": 0.25, "at": clock.now}
    (folder / "progress.jsonl").write_text(json.dumps(line) + "\n" + json.dumps(last) + "\n" + '{"step": "half')
    took = {"command.step.zones": 40.0, "command.step.beats": 5.0}
    (town / "plans" / "step_seconds.json").write_text(json.dumps(took))
    now = jobs.current(town)
    assert (now.step, now.share) == ("command.step.zones", pytest.approx(40 * 0.25 / 45))
    assert now.left_s == pytest.approx(40 * 0.75 + 5)
    (town / "plans" / "step_seconds.json").unlink()
    done = jobs.TYPICAL_S["zones"] * 0.25 / (jobs.TYPICAL_S["zones"] + jobs.TYPICAL_S["beats"])
    assert jobs.current(town).left_s == pytest.approx(10 * (1 - done) / done)


@pytest.mark.parametrize(("silent_s", "left_s"), [(0, 8.0), (6, 2.0), (9, None)])
def test_an_estimate_runs_down_while_no_progress_is_told_and_then_says_nothing(town, clock, silent_s, left_s):
    folder = town / "jobs"
    folder.mkdir()
    now = clock.now
    head = {"command": ["import", "a.csv"], "pid": os.getpid(), "started": now - 8 - silent_s, "about": {}}
    (folder / "job.json").write_text(json.dumps(head))
    lines = [{"step": "intake.step", "share": share, "at": now - 8 - silent_s + 16 * share} for share in (0.0, 0.5)]
    (folder / "progress.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (town / "plans" / "step_seconds.json").write_text('{"intake.step": 500.0}')  # of other files
    assert jobs.current(town).left_s == (left_s and pytest.approx(left_s))


def test_progress_is_written_a_few_times_a_second_at_most_and_never_without_its_end(tmp_path, clock):
    path = tmp_path / "progress.jsonl"
    progress = jobs.progress_lines(path)
    for number in range(1_001):
        progress("command.step.zones", number / 1_000)
        clock.now += 0.0011
    shares = [json.loads(line)["share"] for line in path.read_text().splitlines()]
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert len(shares) == 2 + int(1.1 / jobs.LINE_EVERY_S)


def test_a_stop_after_something_was_stored_says_so(town):
    jobs.start(town, ["plan", "hotspots", "zones"], lang="zh")
    head = json.loads((town / "jobs" / "job.json").read_text(encoding="utf-8"))
    jobs.stop(town)
    stopped = ended(town)
    assert (stopped.state, stopped.stored) == (jobs.STOPPED, False)
    Workspace.open(town).log("import", rows=3)  # what a later stop would have left in the log
    assert jobs.current(town).stored
    (town / "jobs" / "job.json").write_text(json.dumps(head | {"log": audit.last(town / audit.NAME)}))
    assert not jobs.current(town).stored
    ws = Workspace.open(town)
    ws.commit({"incidents": ws.read("incidents")}, "import")  # stored, and killed before the log was written
    assert jobs.current(town).stored


def test_what_was_stored_before_an_error_is_not_said_to_be_as_before(town):
    jobs.start(town, ["plan", "hotspots"], lang="zh")
    assert ended(town).stored
    jobs.start(town, ["plan", "nonsense"], lang="zh")
    failed = ended(town)
    assert (failed.state, failed.stored) == (jobs.FAILED, False)
