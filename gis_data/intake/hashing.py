"""Hashing: HMAC-SHA-256 of very many texts, of a million in a second process while the first goes on.

In:     texts one after the other as bytes, and where each ends; a secret.
Out:    one digest after the other.
Method: RFC 2104. Python hashes one short text after the other and shares no time with its other threads meanwhile, so
        only a second process helps. It is this file run by itself, which needs nothing but Python; secret and texts go
        through a pipe, so that no disk and no list of processes shows them. Without one the hashes are made here.
"""

import contextlib
import hashlib
import os
import subprocess
import sys
import weakref
from array import array
from collections.abc import Callable
from typing import Any

DIGEST_BYTES = hashlib.sha256().digest_size
_LEAST_TEXTS = 100_000  # fewer are hashed before a second process has begun
_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # of a console, on Windows


def digests(text: bytes | memoryview, ends: "array[int]", secret: bytes) -> bytes | bytearray:
    """Return the digests of the texts that end at ``ends``."""
    inner, outer = _padded(secret)
    start, found = 0, bytearray()
    for end in ends:
        first, second = inner.copy(), outer.copy()
        first.update(text[start:end])
        second.update(first.digest())
        found += second.digest()
        start = end
    return found


def begun(text: bytes, ends: "array[int]", secret: bytes) -> Callable[[], bytes | bytearray]:
    """Begin to hash; return the way to the digests, which waits until they are there."""
    if len(ends) < _LEAST_TEXTS or (os.cpu_count() or 1) < 2 or not sys.executable:
        return lambda: digests(text, ends, secret)
    try:
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, creationflags=_NO_WINDOW,
        )  # fmt: skip
    except OSError:
        return lambda: digests(text, ends, secret)
    assert child.stdin is not None
    with contextlib.suppress(OSError), child.stdin as pipe:  # where it has died nothing will come back
        for part in (array("q", [len(secret), len(ends)]).tobytes(), secret, ends.tobytes(), text):
            pipe.write(part)

    def finished() -> bytes | bytearray:
        with child:
            assert child.stdout is not None
            found = child.stdout.read()
        return found if len(found) == DIGEST_BYTES * len(ends) else digests(text, ends, secret)

    weakref.finalize(finished, _end, child)  # where an error comes first, nobody asks for the digests
    return finished


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.kill()
    with child:
        pass


def _padded(secret: bytes) -> list[Any]:
    """Return SHA-256 started with the inner and the outer pad (RFC 2104); hmac starts both anew for each message."""
    block = hashlib.sha256().block_size
    secret = (hashlib.sha256(secret).digest() if len(secret) > block else secret).ljust(block, b"\x00")
    return [hashlib.sha256(bytes(byte ^ pad for byte in secret)) for pad in (0x36, 0x5C)]


def _asked(told: bytes) -> tuple[memoryview, "array[int]", bytes]:
    """Return texts, their ends and the secret from what the first process has sent, which is not copied."""
    sizes, head = array("q"), array("q", [0, 0]).itemsize * 2
    sizes.frombytes(told[:head])
    secret, ends = told[head : head + sizes[0]], array("q")
    after, whole = head + sizes[0] + ends.itemsize * sizes[1], memoryview(told)
    ends.frombytes(whole[head + sizes[0] : after])
    return whole[after:], ends, secret


if __name__ == "__main__":
    sys.stdout.buffer.write(digests(*_asked(sys.stdin.buffer.read())))
