"""The door on a network: nothing but the sign-in page without a session, whatever is asked and however."""

import asyncio
import http.client
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import streamlit
from playwright.sync_api import Error as PlaywrightError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from gis_data import audit
from gis_data.acting import Actor
from gis_data.catalogue import LANGUAGES, speaking, text
from gis_data.workspace import Workspace
from views.access import door
from views.access.accounts import Accounts
from views.access.door import COOKIE, NAME_HEADER, ROLE_HEADER, Door, _local
from views.access.page import sign_in_page
from views.access.sessions import IDLE_S, TRIES
from views.basemap.tiles import current_tiles
from views.formats import DASH
from views.plan_words import log_table

from .browsing import FINISHED, WAIT_MS, patient
from .serving import REPOSITORY, served

WORD = "seven grey herons"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ROUTES = """
import json, sys
from pathlib import Path
from gis_data.catalogue import text
from gis_data.workspace import Workspace
from views.server import make_app
def walk(routes, before=""):
    for route in routes:
        path = before + getattr(route, "path", "")
        yield path
        yield from walk(getattr(route, "routes", None) or [], path)
app = make_app(Workspace.open(Path(sys.argv[1])), guarded=True)
print(json.dumps(sorted(set(walk(app._build_starlette_app().routes)))))
"""


@dataclass
class Guarded:
    """A running server with a door, and how it is asked."""

    port: int
    ws: Workspace
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, path: str, method: str = "GET", *, body: str = "", cookie: str = "", **headers: str):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if cookie:
            sent["Cookie"] = f"{COOKIE}={cookie}"
        connection.request(method, path, body=body or None, headers=sent)
        answer = connection.getresponse()
        found = answer.status, answer.read(), dict(answer.getheaders())
        connection.close()
        return found

    def sign_in(self, name: str, password: str, **headers: str) -> str:
        """Return the session's token, "" if the attempt is refused."""
        form = urlencode({"name": name, "password": password, "next": "/"})
        _, _, said = self.ask("/sign-in", "POST", body=form, **headers)
        return said.get("set-cookie", "").partition(f"{COOKIE}=")[2].partition(";")[0]

    def actions(self) -> list[str]:
        return [entry["action"] for entry in self.entries()]

    def entries(self) -> list[dict[str, Any]]:
        return audit.entries(self.ws.root / "audit.jsonl")


@pytest.fixture(scope="module")
def guarded(tiny_station: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    root = tmp_path_factory.mktemp("guarded") / "town"
    shutil.copytree(tiny_station, root)
    ws = Workspace.open(root)
    for name, role in (("planner", "planner"), ("viewer", "viewer"), ("unlucky", "viewer"), ("leaver", "viewer")):
        Accounts(ws).add(name, role, WORD)
    with served(root, "--lan", "127.0.0.1", first_port=8790) as url:
        yield Guarded(int(url.rsplit(":", 1)[1]), ws)


def read_to_the_end(page: ClientConnection) -> None:
    while True:
        page.recv(timeout=60)


def paths(ws: Workspace) -> list[str]:
    """Return an address for every route of the application and for every file Streamlit brings along."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", ROUTES, str(ws.root)]
    routes = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert "/_stcore/stream" in routes
    assert len(routes) > 10
    tiles = current_tiles(ws.root)
    tile = next((ws.root / "tiles" / tiles.key).rglob("*.webp"))
    filled = {
        "{key}": tiles.key, "{z:int}": tile.parts[-3], "{x:int}": tile.parts[-2], "{y:int}": tile.stem,
        "{file_id:path}": "a.csv", "{session_id}": "s", "{file_id}": "f", "{path:path}": "a/index.html",
    }  # fmt: skip
    asked = []
    for route in routes:
        path = route
        for gap, value in filled.items():
            path = path.replace(gap, value)
        assert "{" not in path, f"a route with a part the test does not know: {route}"
        asked.append(path or "/")
    static = Path(streamlit.__file__).parent / "static"
    files = [f"/{path.relative_to(static).as_posix()}" for path in sorted(static.rglob("*")) if path.is_file()]
    assert "/index.html" in files
    pages = ["/", "/overview", "/cameras", "/app/static/station.gpkg", "/station.gpkg", "/accounts.json", "/sign-in/x"]
    return [*asked, *files, *pages]


def test_without_a_session_every_route_and_file_answers_with_the_sign_in_page_alone(guarded):
    for path in paths(guarded.ws):
        for method in METHODS if not path.startswith("/static/") else ("GET",):
            status, body, headers = guarded.ask(quote(path), method)
            assert status == 401, (method, path)
            shown = sign_in_page(_local(path) if method == "GET" else "/").encode()
            assert body == (b"" if method == "HEAD" else shown), (method, path)
            assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("cookie", ["", "x", "../", "a" * 43])
def test_without_a_session_the_websocket_is_not_opened(guarded, cookie):
    headers = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{guarded.port}/_stcore/stream", additional_headers=headers, subprotocols=["streamlit"])
    assert refused.value.response.status_code == 403


def test_a_session_opens_pages_tiles_and_the_websocket_and_a_sign_out_closes_them(guarded):
    token = guarded.sign_in("planner", WORD)
    assert len(token) >= 43
    assert b"streamlit" in guarded.ask("/", cookie=token)[1].lower()
    assert guarded.ask("/_stcore/health", cookie=token)[0] == 200
    with connect(
        f"ws://127.0.0.1:{guarded.port}/_stcore/stream", additional_headers={"Cookie": f"{COOKIE}={token}"},
        subprotocols=["streamlit"],
    ) as open_page:  # fmt: skip
        for method, origin in (("GET", ""), ("HEAD", ""), ("POST", "http://elsewhere.example")):
            guarded.ask("/sign-out", method, cookie=token, **({"Origin": origin} if origin else {}))
            assert guarded.ask("/_stcore/health", cookie=token)[0] == 200, (method, origin)
        assert guarded.ask("/sign-out", "POST", cookie=token)[0] == 303
        assert guarded.ask("/", cookie=token)[0] == 401
        open_page.send(b"")
        with pytest.raises(ConnectionClosed):
            read_to_the_end(open_page)
    assert guarded.actions()[-2:] == ["access.signed_in", "access.signed_out"]


def test_the_log_is_told_in_words_with_the_account_that_came_and_went_and_none_for_who_was_refused(guarded):
    guarded.sign_in("viewer", "not the password")
    guarded.ask("/sign-out", "POST", cookie=guarded.sign_in("viewer", WORD))
    for lang in LANGUAGES:
        with speaking(lang):
            told = log_table(guarded.entries()[-3:], "Asia/Shanghai")
            viewer = text("access.row", name="viewer", role=text("approval.role.viewer"))
            assert told.iloc[:, 1].tolist() == [viewer, viewer, DASH]  # the newest first
            assert not told.iloc[:, 2].str.startswith("access.").any()


def test_a_page_that_nobody_touches_is_closed_with_its_session(guarded, monkeypatch):
    """What the server sends by itself keeps no session open; without any message the page is closed all the same."""
    now, said = [0.0], []

    async def streamlit_app(scope, receive, send):
        await send({"type": "websocket.send", "bytes": b"a picture"})
        while (await receive())["type"] != "websocket.disconnect":
            pass

    async def last_look(entrance: Door) -> None:
        silent, left = asyncio.Event(), asyncio.Event()

        async def receive():
            await left.wait()
            return {"type": "websocket.disconnect", "code": 1000}

        async def send(message):
            said.append(message["type"])
            silent.set()
            if message["type"] == "websocket.close":
                left.set()

        who = Actor("viewer", "viewer")
        token = entrance._sessions.start(who, stamp=entrance._accounts.stamp_of(who.name))
        headers = [(b"cookie", f"{COOKIE}={token}".encode())]
        scope = {"type": "websocket", "path": "/_stcore/stream", "headers": headers}
        page = asyncio.create_task(entrance(scope, receive, send))
        await silent.wait()
        now[0] = IDLE_S - 1
        await asyncio.sleep(0.05)
        assert said == ["websocket.send"]
        now[0] = IDLE_S + 1
        await asyncio.wait_for(page, timeout=5)

    monkeypatch.setattr(door, "WATCH_S", 0.01)
    asyncio.run(last_look(Door(streamlit_app, ws=guarded.ws, clock=lambda: now[0])))
    assert said == ["websocket.send", "websocket.close"]


def test_a_removed_account_ends_its_sessions_at_once(guarded):
    token = guarded.sign_in("leaver", WORD)
    assert guarded.ask("/_stcore/health", cookie=token)[0] == 200
    Accounts(guarded.ws).remove("leaver")
    assert guarded.ask("/_stcore/health", cookie=token)[0] == 401


def test_five_wrong_passwords_lock_the_name_and_the_log_keeps_no_word_that_was_typed(guarded):
    assert [guarded.sign_in("unlucky", f"wrong {n} word") for n in range(TRIES)] == [""] * TRIES
    assert guarded.sign_in("unlucky", WORD) == ""
    assert guarded.sign_in("my password by mistake", "x") == ""
    assert guarded.actions()[-3:] == ["access.locked", "access.refused_locked", "access.refused"]
    log = (guarded.ws.root / "audit.jsonl").read_text(encoding="utf-8")
    assert "by mistake" not in log
    assert "wrong 1 word" not in log
    assert audit.verify(guarded.ws.root / "audit.jsonl") is None


def test_a_form_of_another_site_does_not_sign_in_and_a_long_one_is_not_read(guarded):
    assert guarded.sign_in("viewer", WORD, Origin="http://elsewhere.example") == ""
    assert guarded.sign_in("viewer", WORD, Origin=f"http://127.0.0.1:{guarded.port}") != ""
    assert guarded.ask("/sign-in", "POST", body="name=viewer&password=" + "x" * 100_000)[0] == 401


def test_the_cookie_is_out_of_the_reach_of_scripts_and_other_sites(guarded):
    form = urlencode({"name": "viewer", "password": WORD, "next": "//elsewhere.example/"})
    status, _, headers = guarded.ask("/sign-in", "POST", body=form)
    assert status == 303
    assert headers["location"] == "/"
    assert "httponly" in headers["set-cookie"].lower()
    assert "samesite=lax" in headers["set-cookie"].lower()


def test_a_viewer_uploads_nothing_and_another_sites_page_does_nothing_in_anybodys_name(guarded):
    tokens = {name: guarded.sign_in(name, WORD) for name in ("viewer", "planner")}
    path, home = "/_stcore/upload_file/s/f", f"http://127.0.0.1:{guarded.port}"
    said = {name: guarded.ask(path, "PUT", body="x", cookie=token) for name, token in tokens.items()}
    assert said["viewer"][0] == 403
    assert text("error.access.change") in said["viewer"][1].decode()
    assert text("error.access.change") not in said["planner"][1].decode()
    for origin, answered in ((home, True), ("http://elsewhere.example", False), ("http://127.0.0.1:1", False)):
        body = guarded.ask(path, "PUT", cookie=tokens["planner"], Origin=origin)[1].decode()
        assert (text("access.elsewhere") in body) != answered, origin
        headers = {"Cookie": f"{COOKIE}={tokens['planner']}"}
        address = f"ws://127.0.0.1:{guarded.port}/_stcore/stream"
        with (
            nullcontext() if answered else pytest.raises(InvalidStatus),
            connect(address, additional_headers=headers, origin=origin, subprotocols=["streamlit"]),
        ):
            pass


def test_the_address_in_the_log_is_the_callers_whatever_the_caller_says(guarded):
    guarded.sign_in("viewer", "wrong", X_Forwarded_For="10.9.8.7", X_Real_IP="10.9.8.7", Forwarded="for=10.9.8.7")
    last = audit.entries(guarded.ws.root / "audit.jsonl")[-1]
    assert (last["action"], last["parameters"]["address"]) == ("access.refused", "127.0.0.1")


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("/zones?week=3", "/zones?week=3"), ("//a.example", "/"), ("/\\a.example", "/"), ("https://a.example", "/"),
        ("/\n/a", "/"), ("", "/"), ("/sign-out", "/"), ("/sign-in?next=/", "/"),
    ],
)  # fmt: skip
def test_a_sign_in_leads_to_this_server_only(address, kept):
    assert _local(address) == kept


def test_what_a_client_says_of_itself_is_replaced():
    from views.access.door import _introduce

    scope = {"type": "http", "headers": [(NAME_HEADER.encode(), b"chief"), (ROLE_HEADER.encode(), b"approver"),
                                         (ROLE_HEADER.encode(), b"approver")]}  # fmt: skip
    _introduce(scope, Actor("王", "viewer"))
    assert [value for name, value in scope["headers"] if name == ROLE_HEADER.encode()] == [b"viewer"]
    assert [value for name, value in scope["headers"] if name == NAME_HEADER.encode()] == [quote("王").encode()]


@pytest.mark.browser
def test_a_person_signs_in_and_is_told_what_the_account_may_not_see(guarded, browser):
    tab = patient(browser, width=1366, height=768)
    wrong: list[str] = []
    tab.goto(f"http://127.0.0.1:{guarded.port}/")
    tab.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    tab.on("response", lambda answer: wrong.append(answer.url) if answer.status >= 400 else None)
    tab.fill("#name", "viewer")
    tab.fill("#password", WORD)
    tab.keyboard.press("Enter")
    tab.get_by_text(text("access.coarse", metres="200")).wait_for(timeout=WAIT_MS)
    tab.locator("iframe").first.wait_for(timeout=WAIT_MS)
    assert wrong == []
    ours = {cookie["name"]: cookie["value"] for cookie in tab.context.cookies()}
    tab.wait_for_selector(FINISHED, timeout=WAIT_MS)
    guarded.ask("/sign-out", "POST", cookie=ours[COOKIE])  # from another window: this one notices at its next message,
    with suppress(PlaywrightError):  # which may be one of its own, before the click is done
        tab.get_by_text(text("app.language_name", lang="en")).click(timeout=5_000)
    tab.get_by_text(text("access.ended")).wait_for(timeout=WAIT_MS)
    tab.fill("#name", "viewer")
    tab.fill("#password", WORD)
    tab.keyboard.press("Enter")
    tab.wait_for_selector(FINISHED, timeout=WAIT_MS)
    tab.get_by_role("button", name=text("access.sign_out")).click()
    tab.locator("#password").wait_for(timeout=WAIT_MS)
    tab.close()
