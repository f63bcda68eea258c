"""What a browser may do with the dashboard's server: its own pages ask it, and nobody else's; they ask nobody else.

In:     every request and websocket, with what the browser says of where it comes from (Host, Origin).
Out:    the request; or a refusal, where another site's page asks, or this machine is called by a name that is not its
        own (DNS rebinding: another site has pointed its name at this machine). Every answer forbids the page to load
        anything from elsewhere, and to be shown inside another site's page.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gis_data.catalogue import LANGUAGES, text

POLICY_VIOLATION = 1008
ONLY_READ = ("GET", "HEAD", "OPTIONS")
LOCAL = frozenset({"127.0.0.1", "localhost"})
PAGES = (  # Streamlit's own scripts and the maps' are written into the page, some are made while it runs
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; form-action 'self'; base-uri 'self'; "
    "object-src 'none'; frame-ancestors 'self'"
)


class OwnPages:
    """The ASGI middleware that stands before the pages; ``hosts``: by which names they may be called (any if empty)."""

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer requests of the server's own pages; refuse all others."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        called = not self._hosts or _without_port(headers.get("host", "")) in self._hosts
        if called and (_only_reads(scope) or is_own(headers)):
            await self._app(scope, receive, _with_policy(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})  # before it is accepted: HTTP 403
        else:
            words = "\n".join(text("access.elsewhere", lang=lang) for lang in LANGUAGES)
            await PlainTextResponse(words, status_code=403)(scope, receive, send)


def is_own(headers: Headers) -> bool:
    """Tell whether a request comes from this server's own page (browsers say so in Origin, other programs need not)."""
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == headers.get("host")


def _only_reads(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["method"] in ONLY_READ


def _without_port(host: str) -> str:
    return host.partition(":")[0].lower()


def _with_policy(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Content-Security-Policy", PAGES)
            headers.setdefault("X-Content-Type-Options", "nosniff")
            headers.setdefault("Referrer-Policy", "same-origin")
        await send(message)

    return sent
