"""The dashboard's server: Streamlit on 127.0.0.1, with the base map's tiles as one more route.

In:     a workspace folder.
Out:    a running server; it asks nothing of any other machine. It offers nothing to one either, unless it is told to
        serve a station's network: then whoever has not signed in gets the sign-in page and nothing else.

Tiles lie in the workspace, not in a static folder beside the program, so that everything passes through the one
application, which the sign-in guards.
"""

import contextlib
import ctypes
import os
import re
import socket
import sys
import threading
import time
import tomllib
import urllib.error
import urllib.request
import webbrowser
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import typer
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from gis_data.acting import GUARDED
from gis_data.catalogue import Language, language, speaking, text
from gis_data.errors import InputError, PatrolError
from gis_data.progress import Progress, silent
from gis_data.workspace import Workspace
from views.access import LOCAL, Accounts, Door, OwnPages
from views.basemap.tiles import ensure_tiles

HERE = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
PORTS_TRIED = 20
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, KEPT_BYTES = -1, -3, 131_072  # malloc.h
LOOK_EVERY_S = 2.0
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}  # a tile's address holds the hash of its ground
EMPTY_TILE = bytes.fromhex("524946461a000000574542505650384c0d0000002f00000010071011118888fe0700")
WORKSPACE, LANGUAGE = "XUNQU_WORKSPACE", "XUNQU_LANG"


@dataclass(frozen=True)
class Network:
    """What to serve a station's network on: an address of this machine, and a certificate with its key."""

    address: str
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        """Refuse half a certificate."""
        if (self.certificate is None) != (self.key is None):
            raise InputError("access.half_certificate")


def serve(
    root: Path,
    *,
    port: int = 8501,
    open_browser: bool = True,
    lang: Language | None = None,
    network: Network | None = None,
    progress: Progress = silent,
) -> None:
    """Serve a workspace's dashboard until it is stopped; the next free port is taken if ``port`` is not free.

    Parameters
    ----------
    network
        Serve a network behind a sign-in; this machine alone, without one, if left out.

    Raises
    ------
    InputError
        If none of the next twenty ports is free, or a network is to be served and nobody could sign in.
    WorkspaceError
        If the folder is no workspace.
    """
    ws = Workspace.open(root.resolve())
    if network is not None and not Accounts(ws).roles():
        raise InputError("access.no_accounts", folder=ws.root.name)
    ensure_tiles(ws, progress=progress)
    give_memory_back()
    host = network.address if network else HOST
    port = free_port(port, host)
    os.environ[WORKSPACE] = str(ws.root)
    os.environ["FORWARDED_ALLOW_IPS"] = ""  # uvicorn's: nobody may say that a request comes from another address
    os.environ[LANGUAGE] = lang or language()
    threading.Thread(target=_keep_ahead, args=(ws.root, lang or language()), daemon=True).start()
    while not _serve_on(port, ws, host, network, open_browser=open_browser):
        port = free_port(port + 1, host)  # another program took it after we had looked


def _serve_on(port: int, ws: Workspace, host: str, network: Network | None, *, open_browser: bool) -> bool:
    """Serve on a port until we are stopped; False if the port is not to be had any more."""
    asked = settings() | {"server.address": host, "server.port": port}
    if network and network.certificate:
        asked |= {"server.sslCertFile": str(network.certificate), "server.sslKeyFile": str(network.key)}
    url = f"{'https' if network and network.certificate else 'http'}://{host}:{port}"
    ours = False

    @contextlib.asynccontextmanager
    async def listening(_: object) -> AsyncIterator[None]:
        """Give the address: only now does no other program answer there."""
        nonlocal ours
        ours = True
        typer.echo(text("app.serving_lan" if network else "app.serving", url=url))
        if network and not network.certificate:
            typer.echo(text("access.plain"))
        if open_browser and not network:
            threading.Thread(target=_open_when_ready, args=(url,), daemon=True).start()
        yield

    try:
        make_app(ws, guarded=network is not None, lifespan=listening).run(config=asked)
    except SystemExit:  # how Streamlit ends over a port that is taken
        if ours or _is_free(port, host):
            raise
    return ours


def make_app(ws: Workspace, *, guarded: bool, lifespan: Callable[[Any], Any] | None = None) -> Any:  # noqa: ANN401
    """Return the application: the pages of ``app.py``, the route of the tiles and, if wanted, the door before all.

    Its type, ``streamlit.App``, is imported late because it is slow. ``lifespan`` is entered when the server listens.
    """
    import streamlit as st

    os.environ[GUARDED] = "1" if guarded else ""
    doors = [Middleware(Door, ws=ws), Middleware(OwnPages)] if guarded else [Middleware(OwnPages, hosts=LOCAL)]
    return st.App(HERE / "app.py", routes=[tile_route(ws.root / "tiles")], middleware=doors, lifespan=lifespan)


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


def give_memory_back() -> None:
    """Let what is freed go back to the machine: reading a million rows frees twice what it keeps (1.1 against 0.6 GB).

    Arrow's own pool keeps what it once had, and so does GNU's C library unless a threshold is set; other libraries do
    not know the call or do not need it.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            for limit in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
                ctypes.CDLL(None).mallopt(limit, KEPT_BYTES)


def free_port(first: int, host: str = HOST) -> int:
    """Return the first free port from ``first`` on, at an address of this machine."""
    for port in range(first, first + PORTS_TRIED):
        if _is_free(port, host):
            return port
    raise InputError("app.no_port", first=first, last=first + PORTS_TRIED - 1)


def _is_free(port: int, host: str) -> bool:
    with socket.socket() as trial:
        if os.name != "nt":
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just left is free
        try:
            trial.bind((host, port))
        except OSError:
            return False
        return True


def wait_until_ready(url: str, *, seconds: float = 60.0) -> bool:
    """Wait until the server answers and tell whether it did."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):  # noqa: S310 - our own address
                return True
        except urllib.error.HTTPError:
            return True  # a door that asks who is there is an answer too
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


def _open_when_ready(url: str) -> None:
    if wait_until_ready(url):
        webbrowser.open(url)


def _keep_ahead(root: Path, lang: Language) -> None:
    """Keep the first page made, from the start and again after each import, plan, edit or change of settings."""
    seen = ""
    while True:
        seen = look_ahead(root, lang, seen)
        time.sleep(LOOK_EVERY_S)


def look_ahead(root: Path, lang: Language, seen: str) -> str:
    """Compute what the first page shows before anybody asks for it; who comes sooner waits for the rest of it only.

    Nothing is computed while the station is as it was ``seen``, nor beside work that is still changing it. Returns the
    station's stamp as it is now seen.
    """
    from views import jobs
    from views.station import open_station

    with speaking(lang), contextlib.suppress(PatrolError):  # a damaged workspace is explained on the page
        work = jobs.current(root)
        if work is not None and work.state == jobs.RUNNING:
            return seen
        station = open_station(root)
        if station.stamp != seen:
            station.table("incidents")  # the longest of all, and mostly beside whatever else begins
            from views.pages import today

            today.look_ahead(station)
        return station.stamp
    return seen
