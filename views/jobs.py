"""Long work beside the dashboard: the very command of the command line, in a process of its own.

In:     a workspace, the words of a command (``plan``, ``import`` ...), and files that the work needs for a while.
Out:    ``Work``: what is being done, how far it is, how long it may still take; what it said when it ends.

A page only starts, watches and stops it. A stop is a kill: the workspace then holds its last complete state, as after
any kill. There is one piece of work at a time in a workspace; every open page, and a server that was started anew, sees
it, because its state lies in ``jobs/`` of the workspace.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gis_data import acting, audit
from gis_data.catalogue import Language
from gis_data.errors import InputError, PatrolError
from gis_data.progress import Progress
from gis_data.workspace import Workspace, write_atomically

HERE = Path(__file__).resolve().parent.parent
PROGRESS = "XUNQU_PROGRESS"  # the command writes its progress as lines into the file that this names
LINE_EVERY_S = 0.2
REGULAR = ("plan", "print")  # these take as long as last time; how long files take depends on the files
TYPICAL_S = {"hotspots": 4.0, "zones": 4.0, "beats": 3.0, "scorecard": 1.0, "cameras": 25.0, "options": 60.0}
"""What parts of a plan take in the sample town, for the first estimate: their ratios count, not their seconds."""
RUNNING, DONE, FAILED, STOPPED = "running", "done", "failed", "stopped"
_starting = threading.Lock()
_waited_for: set[int] = set()
"""Processes whose end this one will write: until then they count as running, whether they still are or not."""


@dataclass(frozen=True)
class Work:
    """One piece of work as it stands now.

    Attributes
    ----------
    command
        Words of the command, without the program and the files that it reads.
    state
        "running", "done", "failed" or "stopped".
    step, share
        Catalogue key of what is being done (of what it failed at), and how much of all is done (0 to 1).
    seconds, left_s
        How long it has been running, and about how long it will; None while that cannot be told.
    said, problem
        What it printed; the sentence it failed with.
    stored
        Something was stored since it started: the part of it that was complete when it ended stays.
    """

    command: tuple[str, ...]
    state: str
    step: str = ""
    share: float = 0.0
    seconds: float = 0.0
    left_s: float | None = None
    said: str = ""
    problem: str = ""
    stored: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)


def start(
    root: Path,
    command: Sequence[str],
    *,
    lang: Language,
    files: Sequence[Path] = (),
    clear: Sequence[Path] = (),
    about: Mapping[str, Any] | None = None,
) -> None:
    """Start a command on a workspace.

    Parameters
    ----------
    command
        Words of the command line, the folder left out: ``["plan", "zones"]``.
    files
        What the command reads. Kept nowhere: a file may be called by a person's name.
    clear
        Folders that are removed as soon as it has ended, however it ends.
    about
        Kept with the work for the page that started it.

    Raises
    ------
    InputError
        If work is going on already.
    AccessError
        If a signed-in role that may only look asks for it.
    """
    acting.require("change")
    with _starting:  # of two pages that ask in the same moment the second is told that work is going on
        now = current(root)
        if now is not None and now.state == RUNNING:
            raise InputError("jobs.busy")
        folder = _folder(root)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        words = [command[0], str(root), *map(str, files), *command[1:]]
        head = {"command": list(command), "started": time.time(), "about": dict(about or {}),
                "log": audit.last(root / audit.NAME)}  # fmt: skip
        process = _begin(folder, ["--lang", lang, *words])
        _waited_for.add(process.pid)
        write_atomically(folder / "job.json", json.dumps(head | {"pid": process.pid}, ensure_ascii=False))
    threading.Thread(target=_wait, args=(process, folder, tuple(clear)), daemon=True).start()


def stop(root: Path) -> None:
    """Stop the work that is going on; the workspace keeps its last complete state."""
    acting.require("change")
    now, folder = current(root), _folder(root)
    if now is None or now.state != RUNNING:
        return
    (folder / "stopped").touch()
    _kill(json.loads((folder / "job.json").read_text(encoding="utf-8"))["pid"])


def current(root: Path) -> Work | None:
    """Return the last piece of work, running or ended; None if there was none, or it was put away."""
    folder = _folder(root)
    try:
        head = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    ended = _ended(folder, int(head["pid"]))
    lines = _lines(folder / "progress.jsonl")
    until = time.time() if ended is None else float(ended["at"])
    seconds = max(until - float(head["started"]), 0.0)
    command, about = tuple(head["command"]), head["about"]
    if ended is None:
        step, share = _so_far(root, command, lines)
        left = _left(root, command, lines, share)
        return Work(command, RUNNING, step, share, seconds, left, about=about)
    said, problem = (_text(folder / name) for name in ("out", "err"))
    state = STOPPED if (folder / "stopped").exists() else DONE if ended["code"] == 0 else FAILED
    step = str(lines[-1]["step"]) if lines and state == FAILED else ""
    return Work(command, state, step, share=1.0, seconds=seconds, said=said, problem=problem, about=about,
                stored=_has_stored(root, head))  # fmt: skip


def put_away(root: Path) -> None:
    """Forget work that has ended.

    Raises
    ------
    AccessError
        If a signed-in role that may only look asks for it.
    """
    acting.require("change")
    now = current(root)
    if now is not None and now.state != RUNNING:
        shutil.rmtree(_folder(root), ignore_errors=True)


def progress_lines(path: Path) -> Progress:
    """Return a ``progress(key, share)`` that appends lines to a file, a few a second at most."""
    last: dict[str, float] = {}

    def progress(key: str, share: float) -> None:
        now = time.time()
        if 0.0 < share < 1.0 and now - last.get(key, 0.0) < LINE_EVERY_S:
            return
        last[key] = now
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": key, "share": share, "at": now}) + "\n")

    return progress


# ---- the process ----


def _begin(folder: Path, words: Sequence[str]) -> subprocess.Popen[bytes]:
    told = {"PYTHONUTF8": "1", "PYTHONPATH": str(HERE), PROGRESS: str(folder / "progress.jsonl")}
    environment = acting.told_to_a_command(os.environ) | told
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        return subprocess.Popen(
            [sys.executable, "-m", "views.command", *words], stdout=out, stderr=err, stdin=subprocess.DEVNULL,
            env=environment, start_new_session=True,
        )  # fmt: skip


def _wait(process: subprocess.Popen[bytes], folder: Path, clear: Sequence[Path]) -> None:
    code = process.wait()
    try:
        for path in clear:
            shutil.rmtree(path, ignore_errors=True)
        if not (folder / "stopped").exists() and code == 0:
            _remember(folder)
        with contextlib.suppress(OSError):  # the workspace may be gone by now
            write_atomically(folder / "ended.json", json.dumps({"code": code, "at": time.time()}))
    finally:
        _waited_for.discard(process.pid)


def _ended(folder: Path, pid: int) -> dict[str, Any] | None:
    """Return how the work ended; None while it runs. One whose server died with it ended when it was last heard of."""
    with contextlib.suppress(FileNotFoundError):
        found: dict[str, Any] = json.loads((folder / "ended.json").read_text(encoding="utf-8"))
        return found
    if pid in _waited_for or _is_alive(pid):
        return None
    heard = _last_written(folder)
    # Its end may just be being written: a moment later it is there.
    return None if time.time() - heard < 2 else {"code": 1, "at": heard}


def _last_written(folder: Path) -> float:
    """Return when a file of the work was last written: now, where what is looked at changes meanwhile."""
    try:
        return max(path.stat().st_mtime for path in folder.iterdir())
    except (FileNotFoundError, ValueError):  # a draft took its own name, or the work was put away
        return time.time()


def _is_alive(pid: int) -> bool:
    if os.name == "nt":
        answer = subprocess.run(["tasklist", "/FI", f"PID eq {pid}"], capture_output=True, text=True, check=False)
        return str(pid) in answer.stdout
    try:
        os.kill(pid, 0)
    except PermissionError:  # of another account
        return True
    except OSError:
        return False
    return True


def _kill(pid: int) -> None:
    with contextlib.suppress(OSError):
        if os.name == "nt":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(pid)], capture_output=True, check=False)
        else:
            os.killpg(pid, signal.SIGKILL)


def _has_stored(root: Path, head: Mapping[str, Any]) -> bool:
    """Tell whether the log has grown since, or waits for what a kill kept out of it."""
    if audit.last(root / audit.NAME) != head.get("log"):
        return True
    try:
        return Workspace.open(root).is_behind()
    except PatrolError:  # no workspace yet: that was the work
        return False


# ---- how far it is ----


def steps_of(command: Sequence[str], lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the steps that a command will take: those it is known to take, then those seen beside them."""
    parts = [part for part in command[1:] if part in TYPICAL_S] or [part for part in TYPICAL_S if part != "options"]
    known = [f"command.step.{part}" for part in parts] if command[0] == "plan" else []
    return list(dict.fromkeys([*known, *(str(line["step"]) for line in lines)]))


def _so_far(root: Path, command: Sequence[str], lines: Sequence[Mapping[str, Any]]) -> tuple[str, float]:
    """Return the step being taken, and the share of all steps that is done, each by what it takes."""
    if not lines:
        return "", 0.0
    took = _took(root, command)
    weight = {step: took.get(step) or TYPICAL_S.get(step.rpartition(".")[2], 1.0) for step in steps_of(command, lines)}
    shares = {str(line["step"]): float(line["share"]) for line in lines}
    done = sum(weight[step] * min(max(shares.get(step, 0.0), 0.0), 1.0) for step in weight)
    return str(lines[-1]["step"]), done / sum(weight.values())


def _took(root: Path, command: Sequence[str]) -> dict[str, float]:
    """Return what each step took last time; nothing of a command that does not take as long each time."""
    return _read_json(root / "plans" / "step_seconds.json") if command[0] in REGULAR else {}


def _left(
    root: Path, command: Sequence[str], lines: Sequence[Mapping[str, Any]], share: float
) -> float | None:  # fmt: skip
    """Return about how many seconds are left: by what each step took last time, else by the share that is done.

    It was reckoned when the last line came, and runs down since; once it has run out it cannot be told.
    """
    if not lines:
        return None
    took, steps = _took(root, command), steps_of(command, lines)
    shares = {str(line["step"]): float(line["share"]) for line in lines}
    began, heard = (float(line["at"]) for line in (lines[0], lines[-1]))  # what the program takes to start is over
    if steps and all(step in took for step in steps):
        left = sum(took[step] * (1 - min(shares.get(step, 0.0), 1.0)) for step in steps)
    elif share > 0.05:
        left = (heard - began) * (1 - share) / share
    else:
        return None
    left -= time.time() - heard
    return left if left > 0 else None


def _remember(folder: Path) -> None:
    """Keep how long each step took, for the next estimate."""
    lines = _lines(folder / "progress.jsonl")
    took: dict[str, float] = {}
    for step in dict.fromkeys(str(line["step"]) for line in lines):
        times = [float(line["at"]) for line in lines if line["step"] == step]
        took[step] = max(times) - min(times)
    path = folder.parent / "plans" / "step_seconds.json"
    with contextlib.suppress(OSError):
        write_atomically(path, json.dumps(_read_json(path) | took))


def _lines(path: Path) -> list[dict[str, Any]]:
    found = []
    for line in _text(path).splitlines():
        with contextlib.suppress(ValueError):  # the last line may be half written
            found.append(json.loads(line))
    return found


def _read_json(path: Path) -> dict[str, float]:
    try:
        found: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _folder(root: Path) -> Path:
    return root / "jobs"
