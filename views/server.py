"""The dashboard's server: Streamlit on 127.0.0.1, with the base map's tiles as one more route.

In:     a workspace folder.
Out:    a running server; it asks nothing of any other machine, and offers nothing to one.

Tiles lie in the workspace, not in a static folder beside the program, so that everything passes through the one
application, which a sign-in can guard later.
"""

import os
import re
import socket
import threading
import time
import tomllib
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path
from typing import Any

import typer
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from gis_data.catalogue import Language, language, text
from gis_data.errors import InputError
from gis_data.workspace import Workspace
from models.plan import Progress, silent
from views.basemap import ensure_tiles

HERE = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
PORTS_TRIED = 20
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}  # a tile's address holds the hash of its ground
EMPTY_TILE = bytes.fromhex("524946461a000000574542505650384c0d0000002f00000010071011118888fe0700")
WORKSPACE, LANGUAGE = "XUNQU_WORKSPACE", "XUNQU_LANG"


def serve(
    root: Path,
    *,
    port: int = 8501,
    open_browser: bool = True,
    lang: Language | None = None,
    progress: Progress = silent,
) -> None:
    """Serve a workspace's dashboard until it is stopped; the next free port is taken if ``port`` is not free.

    Raises
    ------
    InputError
        If none of the next twenty ports is free.
    WorkspaceError
        If the folder is no workspace.
    """
    ws = Workspace.open(root.resolve())
    ensure_tiles(ws, progress=progress)
    port = free_port(port)
    os.environ[WORKSPACE] = str(ws.root)
    os.environ[LANGUAGE] = lang or language()
    url = f"http://{HOST}:{port}"
    typer.echo(text("app.serving", url=url))
    if open_browser:
        threading.Thread(target=_open_when_ready, args=(url,), daemon=True).start()
    make_app(ws.root).run(config=settings() | {"server.address": HOST, "server.port": port})


def make_app(root: Path) -> Any:  # noqa: ANN401 - streamlit.App, imported late because it is slow
    """Return the application: the pages of ``app.py`` and the route of the tiles."""
    import streamlit as st

    return st.App(HERE / "app.py", routes=[tile_route(root / "tiles")])


def tile_route(folder: Path) -> Route:
    """Return the route under which the tiles of ``folder`` are offered; a tile that is not there is transparent."""

    async def tile(request: Request) -> Response:
        key = request.path_params["key"]
        z, x, y = (request.path_params[name] for name in "zxy")
        path = folder / key / str(z) / str(x) / f"{y}.webp"
        if re.fullmatch("[0-9a-f]{16}", key) and path.is_file():
            return FileResponse(path, media_type="image/webp", headers=FOREVER)
        return Response(EMPTY_TILE, media_type="image/webp")

    return Route("/tiles/{key}/{z:int}/{x:int}/{y:int}.webp", tile, methods=["GET"])


def settings() -> dict[str, Any]:
    """Return the dashboard's Streamlit options by dotted name, from the file that a plain ``streamlit run`` reads."""
    tree = tomllib.loads((HERE / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    return {f"{section}.{name}": value for section, values in tree.items() for name, value in values.items()}


def free_port(first: int) -> int:
    """Return the first free port of this machine from ``first`` on."""
    for port in range(first, first + PORTS_TRIED):
        with socket.socket() as trial:
            if os.name != "nt":
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just left is free
            try:
                trial.bind((HOST, port))
            except OSError:
                continue
            return port
    raise InputError("app.no_port", first=first, last=first + PORTS_TRIED - 1)


def wait_until_ready(url: str, *, seconds: float = 60.0) -> bool:
    """Wait until the server answers and tell whether it did."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):  # noqa: S310 - our own address
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


def _open_when_ready(url: str) -> None:
    if wait_until_ready(url):
        webbrowser.open(url)
