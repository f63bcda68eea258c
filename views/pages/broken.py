"""What a page says when something unforeseen goes wrong in it, and where the particulars are kept.

In:     a page, or a part of it that runs again by itself.
Out:    one sentence in the reader's language; where in the program it happened, at the end of ``errors.log`` in the
        workspace and in the window that started the dashboard. An error's own words stay out: they may quote a file
        that was refused for its persons.
"""

import contextlib
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import streamlit as st

from gis_data.catalogue import text
from gis_data.errors import PatrolError
from gis_data.workspace import write_atomically

NAME = "errors.log"
MOST_BYTES = 1_000_000  # a page that breaks at every look must not fill the disk


@contextmanager
def said_in_a_sentence(root: Path) -> Iterator[None]:
    """Run a part of a page, and say in a sentence what went wrong in it.

    Our own errors say what to do, any other where it is kept; what Streamlit raises to run a page again goes through.
    """
    try:
        yield
    except PatrolError as problem:
        st.error(str(problem))
    except Exception as problem:
        keep(root, problem)
        st.error(text("app.broken", file=NAME))


def keep(root: Path, problem: BaseException) -> None:
    """Keep where an error happened that nobody foresaw; the newest megabyte of such places."""
    lines = "\n".join(_places(problem))
    logging.getLogger(__name__).error(lines)
    path = root / NAME
    with contextlib.suppress(OSError):  # a full disk may be what went wrong
        before = path.read_bytes() if path.is_file() else b""
        told = before + f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S%z}\n{lines}\n".encode()
        write_atomically(path, told[-MOST_BYTES:], secret=True)


def _places(problem: BaseException | None) -> Iterator[str]:
    """Yield the kind of an error and the way to it, and of the errors before it that led to it."""
    while problem is not None:
        yield f"{type(problem).__module__}.{type(problem).__qualname__}"
        yield "".join(traceback.format_tb(problem.__traceback__)).rstrip()
        problem = problem.__cause__ or problem.__context__
