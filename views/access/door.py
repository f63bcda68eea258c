"""The door of the dashboard on a network: whoever has not signed in gets the sign-in page and nothing else.

In:     every request, upload, static file and websocket of the server (it stands before all of Streamlit's own routes).
Out:    the request with who asks written into its headers; or the sign-in page, or a closed websocket.

It is a plain ASGI callable: Starlette's convenience middleware does not see websockets. A page that stays open is
asked again at each message, in both directions, so that a sign-out or a removed account ends it; and every few seconds
besides, so that what nobody has touched for too long does not stay on the screen of a shared office machine.
"""

import asyncio
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs, quote, unquote

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gis_data.acting import GUARDED, ONLOOKER, SIGNED_IN, STATION, Actor, act_as, may
from gis_data.catalogue import Language, set_language, text
from gis_data.workspace import Workspace
from views.access.accounts import Accounts
from views.access.own_pages import POLICY_VIOLATION, is_own
from views.access.page import sign_in_page
from views.access.sessions import Attempts, Sessions

COOKIE = "xunqu_session"
SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
NAME_HEADER, ROLE_HEADER = "x-xunqu-name", "x-xunqu-role"
UPLOADS = "/_stcore/upload_file/"
WATCH_S = 10
"""How often an open page is asked whether its session goes on."""
MOST_BYTES = 4096  # of a sign-in form
STRICT = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",  # with less, browsers tell our own page no Origin
    "X-Content-Type-Options": "nosniff",
}


class Door:
    """The ASGI middleware that guards a workspace's dashboard."""

    def __init__(self, app: ASGIApp, *, ws: Workspace, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._ws = ws
        self._accounts = Accounts(ws)
        self._sessions = Sessions(clock)
        self._attempts = Attempts(clock)
        self._one_by_one = asyncio.Lock()  # a hash takes 64 MB; and attempts sent at once must all be counted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a signed-in request through; answer all others."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        token = HTTPConnection(scope).cookies.get(COOKIE, "")
        if scope["type"] == "http" and _is_for_the_door(scope):
            answer = await self._at_the_door(Request(scope, receive), token)
            await answer(scope, receive, send)
            return
        who = self._whose(token)
        if who is not None:
            _introduce(scope, who)
        if who is not None and scope["path"].startswith(UPLOADS) and not may("change", who):
            await PlainTextResponse(text("error.access.change"), status_code=403)(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(token, who, scope, receive, send)
        elif who is not None:
            await self._app(scope, receive, send)
        else:
            await _page(_asked_for(scope))(scope, receive, send)

    def _whose(self, token: str, *, using: bool = True) -> Actor | None:
        return self._sessions.whose(token, stamp_of=self._accounts.stamp_of, using=using) if token else None

    async def _websocket(self, token: str, who: Actor | None, scope: Scope, receive: Receive, send: Send) -> None:
        if who is None:
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})  # before it is accepted: HTTP 403
            return
        closed = False

        async def receive_if_open() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and self._whose(token) is None:
                return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
            return message

        async def send_if_open(message: Message) -> None:
            nonlocal closed
            if closed:
                return
            # What the server sends by itself is no sign that a person is there.
            if message["type"] == "websocket.send" and self._whose(token, using=False) is None:
                closed = True
                message = {"type": "websocket.close", "code": POLICY_VIOLATION}
            await send(message)

        async def end_with_the_session() -> None:
            nonlocal closed
            while self._whose(token, using=False) is not None:
                await asyncio.sleep(WATCH_S)
            if not closed:
                closed = True
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})

        watch = asyncio.create_task(end_with_the_session())
        try:
            await self._app(scope, receive_if_open, send_if_open)
        finally:
            watch.cancel()

    async def _at_the_door(self, request: Request, token: str) -> Response:
        if request.method != "POST":
            problem = "access.ended" if "ended" in request.query_params else ""  # a page says so that was left open
            return _page(request.query_params.get("next", "/"), problem=problem)
        if not is_own(request.headers):
            return _page("/", problem="access.origin")
        if request.url.path == SIGN_OUT:
            return await self._sign_out(request, token)
        form = await _form(request)
        name, password = form.get("name", ""), form.get("password", "")
        following = _local(form.get("next", "/"))
        async with self._one_by_one:
            problem = await asyncio.to_thread(self._try, name, password, _address(request))
        if problem:
            return _page(following, problem=problem)
        who = Actor(name, self._accounts.roles()[name])
        answer = RedirectResponse(following, status_code=303, headers=STRICT)
        answer.set_cookie(
            COOKIE, self._sessions.start(who, stamp=self._accounts.stamp_of(name)),
            httponly=True, samesite="lax", secure=request.url.scheme == "https",
        )  # fmt: skip
        return answer

    def _try(self, name: str, password: str, address: str) -> str:
        """Return the sentence that refuses an attempt ("" if it is right), and log what happened."""
        # A password typed where the name belongs must not be read in the log.
        known = name if name in self._accounts.roles() else ""
        log = partial(self._ws.log, account=known, address=address)
        if self._attempts.is_locked(name, address):
            log("access.refused_locked")
            return "access.locked"
        role = self._accounts.check(name, password)
        if role is not None:
            self._attempts.succeeded(name)
            act_as(Actor(name, role))
            log("access.signed_in")
            return ""
        log("access.locked" if self._attempts.failed(name, address) else "access.refused")
        return "access.wrong"

    async def _sign_out(self, request: Request, token: str) -> Response:
        who = self._sessions.end(token)
        if who is not None:
            act_as(who)
            await asyncio.to_thread(self._ws.log, "access.signed_out", account=who.name, address=_address(request))
        answer = RedirectResponse(SIGN_IN, status_code=303, headers=STRICT)
        answer.delete_cookie(COOKIE)
        return answer


def begin(lang: Language) -> None:
    """Say for a run of a page in whose language and name it speaks; a fragment that runs again by itself is a run too.

    Without the headers that only a request through the door has, it is one who may only look.
    """
    set_language(lang)
    if not os.environ.get(GUARDED):
        act_as(STATION)
        return
    told = st.context.headers
    role = next((known for known in SIGNED_IN if known == told.get(ROLE_HEADER)), ONLOOKER.role)
    act_as(Actor(unquote(told.get(NAME_HEADER, "")) or ONLOOKER.name, role))


def _introduce(scope: Scope, who: Actor) -> None:
    headers = MutableHeaders(scope=scope)  # what a client says of itself is replaced
    headers[NAME_HEADER] = quote(who.name)
    headers[ROLE_HEADER] = who.role


def _page(following: str, *, problem: str = "") -> HTMLResponse:
    return HTMLResponse(sign_in_page(_local(following), problem=problem), status_code=401, headers=STRICT)


def _is_for_the_door(scope: Scope) -> bool:
    """Tell whether a request signs in or out; only a form signs out, for another site's link or picture could ask."""
    return bool(scope["path"] == SIGN_IN or (scope["path"] == SIGN_OUT and scope["method"] == "POST"))


def _asked_for(scope: Scope) -> str:
    query = scope.get("query_string", b"").decode("latin-1")
    return scope["path"] + (f"?{query}" if query else "") if scope["method"] == "GET" else "/"


def _local(address: str) -> str:
    """Return an address of this server; anything that could lead elsewhere becomes the first page."""
    is_local = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if is_local and address.partition("?")[0] not in (SIGN_IN, SIGN_OUT) else "/"


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return {}
    try:
        fields: dict[str, Any] = parse_qs(body.decode(), max_num_fields=8)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
