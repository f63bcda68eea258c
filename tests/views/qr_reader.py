"""A small QR reader of our own (ISO/IEC 18004, versions 1 to 3 of one block), so that no code reads itself.

It takes a picture of a page, samples the modules, checks both copies of the format and the Reed-Solomon syndromes, and
returns the words; anything that does not fit raises.
"""

import numpy as np

QUIET = 4
LEVELS = {1: "L", 0: "M", 3: "Q", 2: "H"}
TOTAL = {21: 26, 25: 44, 29: 70}
CORRECTION = {
    21: {"L": 7, "M": 10, "Q": 13, "H": 17}, 25: {"L": 10, "M": 16, "Q": 22, "H": 28}, 29: {"L": 15, "M": 26},
}  # fmt: skip
MASKS = (
    lambda r, c: (r + c) % 2, lambda r, c: r % 2, lambda r, c: c % 3, lambda r, c: (r + c) % 3,
    lambda r, c: (r // 2 + c // 3) % 2, lambda r, c: r * c % 2 + r * c % 3, lambda r, c: (r * c % 2 + r * c % 3) % 2,
    lambda r, c: ((r + c) % 2 + r * c % 3) % 2,
)  # fmt: skip
ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
FINDER = np.pad(np.pad(np.ones((3, 3), int), 1), 1, constant_values=1)


def read_qr(picture):
    """Return the words of the code in a square grey picture (0 black, 255 white) of the code with its quiet zone."""
    modules = next(found for size in TOTAL if (found := _sampled(picture, size)) is not None)
    level, mask = _format(modules)
    size = len(modules)
    bits = [modules[r, c] ^ (MASKS[mask](r, c) == 0) for r, c in _path(size)]
    words = [int("".join(map(str, bits[i : i + 8])), 2) for i in range(0, 8 * TOTAL[size], 8)]
    checks = CORRECTION[size][level]
    assert not any(_syndromes(words, checks)), "the code's own check fails"
    return _text("".join(f"{word:08b}" for word in words[:-checks]))


def _sampled(picture, size):
    step = len(picture) / (size + 2 * QUIET)
    at = ((np.arange(size) + QUIET + 0.5) * step).astype(int)
    modules = (picture[np.ix_(at, at)] < 128).astype(int)
    corners = modules[:7, :7], modules[:7, -7:], modules[-7:, :7]
    return modules if all((corner == FINDER).all() for corner in corners) else None


def _format(modules):
    first = [modules[8, c] for c in (0, 1, 2, 3, 4, 5, 7, 8)] + [modules[r, 8] for r in (7, 5, 4, 3, 2, 1, 0)]
    second = [modules[-1 - i, 8] for i in range(7)] + [modules[8, i] for i in range(-8, 0)]
    assert first == second
    word = int("".join(map(str, first)), 2) ^ 0x5412
    return LEVELS[word >> 13], word >> 10 & 7


def _path(size):
    """Yield row and column of the data modules in their order."""
    taken = np.zeros((size, size), bool)
    taken[:9, :9] = taken[:9, -8:] = taken[-8:, :9] = taken[6] = taken[:, 6] = True
    if size > 21:
        taken[-9:-4, -9:-4] = True
    upwards = True
    for right in (c if c > 6 else c - 1 for c in range(size - 1, 0, -2)):
        for row in range(size - 1, -1, -1) if upwards else range(size):
            yield from ((row, column) for column in (right, right - 1) if not taken[row, column])
        upwards = not upwards


def _syndromes(words, checks):
    power, logs = [1], {1: 0}
    for exponent in range(1, 255):
        value = power[-1] << 1
        power.append(value ^ 0x11D if value > 255 else value)
        logs[power[-1]] = exponent
    for root in range(checks):
        total = 0
        for word in words:
            total = (power[(logs[total] + root) % 255] if total else 0) ^ word
        yield total


def _text(bits):
    mode, bits = bits[:4], bits[4:]
    assert mode in ("0010", "0100"), mode
    if mode == "0100":
        return bytes(int(bits[8 + 8 * i : 16 + 8 * i], 2) for i in range(int(bits[:8], 2))).decode()
    count, bits = int(bits[:9], 2), bits[9:]
    pairs = [divmod(int(bits[11 * i : 11 * i + 11], 2), 45) for i in range(count // 2)]
    said = "".join(ALPHANUMERIC[high] + ALPHANUMERIC[low] for high, low in pairs)
    return said + (ALPHANUMERIC[int(bits[11 * (count // 2) :][:6], 2)] if count % 2 else "")
