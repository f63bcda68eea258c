"""The real serve command in a process of its own, for tests that ask it as a browser would."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from views import server

REPOSITORY = Path(__file__).resolve().parents[2]
SECONDS = 180


@contextmanager
def served(
    root: Path, *options: str, first_port: int, program: Sequence[str] = ("-m", "views.command")
) -> Iterator[str]:
    """Serve a workspace and give its address, which is read from what the server says: a port may be taken."""
    command = [sys.executable, *program, "serve", str(root), "--port", str(first_port), "--no-browser"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
    log = root.parent / f"{root.name}.server.log"
    with (
        log.open("wb") as said,
        subprocess.Popen([*command, *options], env=environment, stdout=said, stderr=subprocess.STDOUT) as process,
    ):
        try:
            url = _address(log, process)
            assert server.wait_until_ready(url), log.read_text(encoding="utf-8")
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def _address(log: Path, process: subprocess.Popen) -> str:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text(encoding="utf-8"))
        if found:
            return found[0]
        time.sleep(0.1)
    raise AssertionError(log.read_text(encoding="utf-8"))
