"""Colours are told apart by every reader, and what they say is said again in grey: by lightness, dash or shape."""

from itertools import combinations, pairwise

import pytest

from views import palette
from views.basemap.look import PAPER
from views.maps.beats import SHAPES

from .colour_vision import VISIONS, ciede2000, difference, lab, multiplied, rgb

# About 2.3 is just seen side by side. Ten is what the well-known Okabe-Ito set keeps for every reader, so that a colour
# is found again in a legend; areas with a border and a name, and the steps of a ramp, need less.
IN_A_LEGEND, WITH_A_BORDER, A_STEP = 10.0, 9.0, 5.0
LETTERS = 4.5  # WCAG 2.2, 1.4.3
IN_GREY = 8.0  # difference of L*; five is a clear step, and a copier takes some


# Sharma, Wu & Dalal (2005), table 1: pairs 1, 4, 7, 13, 16, 17, 20, 24, 25, 30, 34.
PUBLISHED = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, -0.0010, 2.4900), (50, 0.0009, -2.4900), 4.8045),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (58, 24, 15), 19.4535),
    ((50, 2.5, 0), (50, 3.2592, 0.3350), 1.0000),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("first", "second", "published"), PUBLISHED)
def test_the_measure_of_difference_gives_the_published_values(first, second, published):
    assert ciede2000(first, second) == pytest.approx(published, abs=1e-4)
    assert ciede2000(second, first) == pytest.approx(published, abs=1e-4)


def drawn(colours, opacity=None):
    return [rgb(one) if opacity is None else multiplied(one, opacity, PAPER) for one in colours]


SETS = {
    "lines": (drawn(palette.SIX), IN_A_LEGEND),
    "beats": (drawn(palette.BEATS), IN_A_LEGEND),
    "zones": (drawn(palette.ZONES, palette.ZONE_OPACITY), WITH_A_BORDER),
    "checkpoints": (drawn(palette.CHECKPOINTS.values()), IN_A_LEGEND),
    "moves": (drawn(set(palette.MOVES.values())), IN_A_LEGEND),
    "work": (drawn(palette.WORK.values()), IN_A_LEGEND),
    "origin": (drawn(palette.ORIGIN.values()), IN_A_LEGEND),
    "word": (drawn(palette.WORD_INK.values()), IN_A_LEGEND),
    "hot, cold, emerging": (drawn([palette.HOTSPOT, palette.COLD, palette.EMERGING]), IN_A_LEGEND),
    "seen, unseen": (drawn([palette.SEEN, palette.UNSEEN]), IN_A_LEGEND),
}


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("name", SETS)
def test_any_two_colours_of_a_set_differ_for_every_reader(name, vision):
    colours, least = SETS[name]
    assert min(difference(one, other, vision) for one, other in combinations(colours, 2)) >= least


@pytest.mark.parametrize("vision", VISIONS)
def test_each_step_of_the_density_is_seen_from_the_paper_on(vision):
    ramp = [rgb(PAPER), *drawn(palette.DENSITY, palette.DENSITY_OPACITY)]
    assert min(difference(one, other, vision) for one, other in pairwise(ramp)) >= A_STEP


def test_a_denser_class_is_always_darker_so_that_grey_print_keeps_the_order():
    ramp = [rgb(PAPER), *drawn(palette.DENSITY, palette.DENSITY_OPACITY)]
    assert min(lab(lighter)[0] - lab(darker)[0] for lighter, darker in pairwise(ramp)) >= A_STEP


@pytest.mark.parametrize("colours", [palette.WORK, palette.ORIGIN], ids=["work", "origin"])
def test_bars_that_only_their_colour_names_differ_in_grey(colours):
    greys = [lab(colour)[0] for colour in drawn(colours.values())]
    assert min(abs(one - other) for one, other in combinations(greys, 2)) >= IN_GREY


def test_no_two_of_twelve_lines_look_alike_in_colour_or_grey():
    styles = [palette.line_style(number) for number in range(12)]
    for (one, dash), (other, second) in combinations(styles, 2):
        assert tuple(dash) != tuple(second) or abs(lab(rgb(one))[0] - lab(rgb(other))[0]) >= IN_GREY


def test_each_kind_of_checkpoint_has_a_shape_of_its_own():
    assert set(SHAPES) == set(palette.CHECKPOINTS)
    assert len(set(SHAPES.values())) == len(SHAPES)


def test_groups_of_moved_points_are_told_apart_without_their_colour():
    """A line between two points, a lone point, and the rings of what is no point any more, each with its dash."""
    told = {(group in ("gcj02", "bd09"), group == "notation", palette.MOVE_DASHES[group]) for group in palette.MOVES}
    same_on_purpose = 1  # a village's centre and what has no place at all, which no map can show
    assert len(told) == len(palette.MOVES) - same_on_purpose


def test_letters_on_a_checkpoint_are_read_on_every_kind():
    kinds = palette.CHECKPOINTS.values()
    assert min(palette.contrast(palette.ink_on(colour), colour) for colour in kinds) >= LETTERS
    assert palette.contrast("#ffffff", "#000000") == pytest.approx(21)  # WCAG 2.2's own example
    assert palette.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the grey that just fails


@pytest.mark.parametrize("ink", [palette.INK, palette.EDGE, palette.QUIET, palette.MARK, palette.HOTSPOT])
def test_letters_in_our_inks_are_read_on_white(ink):
    assert palette.contrast(ink, "#ffffff") >= LETTERS
