"""The server: on this machine only, tiles from the workspace and nothing else from it, a port that is free."""

import http.client
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gis_data.catalogue import text
from gis_data.errors import InputError
from gis_data.workspace import Workspace
from models.store import save_plans
from views import server
from views.basemap.tiles import TileSet, current_tiles

from .conftest import tiny_workspace
from .serving import served
from .tiny_plans import tiny_plans

OPENING = (  # of a page's websocket
    "GET /_stcore/stream HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: streamlit",
)  # fmt: skip
LOSES_ITS_PORT = """
from views import command, server
looks = iter([lambda port, _: port])  # at first a port is free, and is taken when the server is ready for it
look = server.free_port
server.free_port = lambda *at: next(looks, look)(*at)
command.main()
"""


@pytest.fixture(scope="module")
def running(tiny_station: Path) -> Iterator[tuple[str, Path, TileSet]]:
    """Serve the tiny station, though another program takes the first port as soon as it was found to be free."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with served(tiny_station, first_port=taken, program=("-c", LOSES_ITS_PORT)) as url:
            assert not url.endswith(f":{taken}")
            tiles = current_tiles(tiny_station)
            assert tiles is not None
            yield url, tiny_station, tiles


def fetch(url: str) -> tuple[int, bytes, str]:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, answer.read(), answer.headers.get_content_type()
    except urllib.error.HTTPError as problem:
        return problem.code, problem.read(), ""


def test_a_tile_is_served_as_it_was_drawn_and_a_missing_one_is_transparent(running):
    url, root, tiles = running
    path = next((root / "tiles" / tiles.key).rglob("*.webp"))
    z, x, y = path.parts[-3], path.parts[-2], path.stem
    assert fetch(url + tiles.url.format(z=z, x=x, y=y)) == (200, path.read_bytes(), "image/webp")
    assert fetch(url + tiles.url.format(z=3, x=0, y=0)) == (200, server.EMPTY_TILE, "image/webp")


@pytest.mark.parametrize(
    "path",
    [
        "/tiles/../station.toml/1/1/1.webp",
        "/tiles/..%2F/1/1/1.webp",
        "/tiles/%2e%2e/salt/1/1/1.webp",
        "/tiles/{key}/../../../station.gpkg",
        "/tiles/{key}/map.json",
        "/station.gpkg",
        "/app/static/station.gpkg",
        "/salt",
        "/raw",
    ],
)
def test_nothing_else_of_the_workspace_can_be_fetched(running, path):
    url, root, tiles = running
    _, body, _ = fetch(url + path.format(key=tiles.key))
    secrets = [root / name for name in ("station.toml", "station.gpkg", "salt", f"tiles/{tiles.key}/map.json")]
    assert all(file.read_bytes()[:60] not in body for file in secrets)


def test_the_server_listens_on_this_machine_only(running):
    port = int(running[0].rsplit(":", 1)[1])
    tables = [path for path in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")) if path.exists()]
    if not tables:
        pytest.skip("only Linux lists its open ports under /proc/net")
    rows = [line.split() for path in tables for line in path.read_text().splitlines()[1:]]
    listening = {row[1] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"}  # 0A: it waits for calls
    assert listening == {f"0100007F:{port:04X}"}


@pytest.mark.parametrize(
    ("host", "origin", "answered"),
    [
        ("127.0.0.1:{port}", "", True), ("localhost:{port}", "", True), ("LOCALHOST:{port}", "", True),
        ("127.0.0.1:{port}", "http://127.0.0.1:{port}", True),
        ("elsewhere.example:{port}", "http://elsewhere.example:{port}", False),  # a name pointed at this machine
        ("127.0.0.1.elsewhere.example", "", False),
        ("", "", False),
        ("127.0.0.1:{port}", "http://elsewhere.example", False),
        ("127.0.0.1:{port}", "http://127.0.0.1:1", False),  # another program of this machine
        ("127.0.0.1:{port}", "null", False),
    ],
)  # fmt: skip
def test_only_its_own_pages_may_ask_the_server_to_do_something(running, host, origin, answered):
    port = running[0].rsplit(":", 1)[1]
    said = {"Host": host.format(port=port)} | ({"Origin": origin.format(port=port)} if origin else {})
    asked = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
    asked.request("PUT", "/_stcore/upload_file/s/f", headers=said)
    assert (text("access.elsewhere").encode() in asked.getresponse().read()) != answered
    asked.close()
    with socket.create_connection(("127.0.0.1", int(port)), timeout=60) as call:
        lines = [f"{name}: {value}" for name, value in said.items()]
        call.sendall("\r\n".join([*OPENING, *lines, "", ""]).encode())
        assert call.recv(12, socket.MSG_WAITALL) == (b"HTTP/1.1 101" if answered else b"HTTP/1.1 403")


def test_a_page_may_load_nothing_from_elsewhere_and_stands_in_no_other_site(running):
    with urllib.request.urlopen(running[0], timeout=60) as answer:
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert "http" not in policy["default-src"].replace("'", "")
    assert "*" not in policy["default-src"]
    assert policy["frame-ancestors"] == "'self'"


def test_a_taken_port_gives_way_to_the_next_and_twenty_taken_ones_to_a_sentence(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        first = taken.getsockname()[1]
        assert server.free_port(first) > first
        monkeypatch.setattr(server, "PORTS_TRIED", 1)
        with pytest.raises(InputError, match=str(first)):
            server.free_port(first)


def test_the_first_page_is_made_again_when_the_station_changed_and_no_work_is_going_on(tmp_path, monkeypatch):
    from views import jobs
    from views.pages import today

    root, made = tiny_workspace(tmp_path / "town").root, []
    monkeypatch.setattr(today, "look_ahead", lambda station: made.append(sorted(station.plans)))
    seen = server.look_ahead(root, "zh", "")
    assert server.look_ahead(root, "zh", seen) == seen
    assert made == [[]]
    ws = Workspace.open(root)
    save_plans(ws, {"zones": tiny_plans(ws)["zones"]}, run="1")
    with monkeypatch.context() as busy:
        busy.setattr(jobs, "current", lambda _: jobs.Work(("plan",), jobs.RUNNING))
        assert server.look_ahead(root, "zh", seen) == seen
        assert made == [[]]
    assert server.look_ahead(root, "zh", seen) != seen
    assert made == [[], ["zones"]]


def test_a_folder_that_is_no_station_is_not_looked_at(tmp_path):
    assert server.look_ahead(tmp_path, "zh", "before") == "before"


def test_streamlit_is_told_to_stay_quiet_and_local():
    asked = server.settings()
    assert asked["browser.gatherUsageStats"] is False
    assert asked["server.showEmailPrompt"] is False
    assert asked["server.address"] == "127.0.0.1"
    assert asked["server.headless"] is True


def test_the_transparent_tile_is_transparent():
    import io

    from PIL import Image

    assert Image.open(io.BytesIO(server.EMPTY_TILE)).convert("RGBA").getpixel((0, 0))[3] == 0
