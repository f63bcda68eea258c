"""Colours that carry meaning on screen maps and charts, in one place so that a test can hold them apart.

Each set was chosen so that any two of its colours, as they are drawn, differ for every reader: with all three kinds of
cones, and without the long, the middle or the short ones (the test simulates them after Machado et al. 2009 and
measures CIEDE2000). Where more is said than colours can say on grey paper, a dash, a shape or a word says it too.
"""

INK, EDGE, QUIET, VEIL = "#2b2a28", "#5c5953", "#77736b", "#8d887f"
MARK = "#c8480a"  # what is to be looked at first
# Okabe & Ito's, without the two that are too light for a line, and Tol's indigo.
SIX = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#332288")
BLUE, VERMILION, GREEN, _, AMBER, _ = SIX
HOTSPOT, REPORTED, MAYBE = "#8e2c7e", "#2f5d8a", VEIL
SEEN, UNSEEN, VIEW, BLIND = "#00785a", MARK, "#1f78b4", MARK
COLD, EMERGING = BLUE, MARK

ZONES = ("#5ba5f1", "#fcdd89", "#ea7fa2", "#bdebc7", "#b59e61", "#d6cbfa")  # areas under names: light
ZONE_OPACITY = 0.66
BEATS = SIX
DENSITY = ("#f9ebb2", "#eecf76", "#e9af43", "#dd8c21", "#c76816", "#a74a17", "#7d3219")  # one a class, the rarest last
DENSITY_OPACITY = 0.75
CHECKPOINTS = {"by_hand": VERMILION, "hotspot": HOTSPOT, "market": AMBER, "school": BLUE, "back_lane": INK}
MOVES = {  # groups of the quality report
    "gcj02": BLUE, "bd09": HOTSPOT, "notation": GREEN, "outside": INK, "datum_unclear": AMBER,
    "default_point": VERMILION, "village_centre": EDGE, "unplaced": EDGE,
}  # fmt: skip
MOVE_DASHES = {  # of the line between two points, or of the ring of what is no point any more; pixels
    "gcj02": "", "bd09": "4 2.5", "notation": "", "outside": "", "datum_unclear": "6 2 1 2", "default_point": "3 2",
    "village_centre": "1 2.2", "unplaced": "1 2.2",
}  # fmt: skip

WORK = {
    "incident_h_per_week": "#24496e", "patrol_h_per_week": "#7fb3c8", "fixed_h_per_week": "#e3dccb",
    "trip_h_per_week": "#b9770e",
}  # fmt: skip
ORIGIN = {"reported": REPORTED, "discovered": "#d9a441"}
WORD_INK = {"above": UNSEEN, "below": BLUE, "none": EDGE}
DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [1, 3], [10, 4])  # solid first; in Vega's and SVG's units


def line_style(number: int) -> tuple[str, list[int]]:
    """Return colour and dash of the ``number``-th line of a chart: no two of the first twelve share both.

    Lines of one dash differ in lightness, so that a grey print tells them apart too.
    """
    half = len(SIX) // 2
    return SIX[number % len(SIX)], DASHES[number % half + half * (number // len(SIX) % 2)]


def ink_on(colour: str) -> str:
    """Return white or black, whichever is read more easily on a colour."""
    return max(("#ffffff", "#000000"), key=lambda ink: contrast(ink, colour))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two opaque colours: 1 to 21, and 4.5 is what small letters need (WCAG 2.2, 1.4.3)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
