"""The font: found in the wheel, heavy enough to read, small where it is embedded."""

from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from matplotlib import ft2font
from PIL import Image, ImageDraw

from views import fonts


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "cache_folder", lambda: tmp_path / "fonts")
    monkeypatch.setattr(fonts, "_catalogue_characters", lambda: "巡区ABC0123456789 ")
    return tmp_path / "fonts"


def ink(weight):
    image = Image.new("L", (200, 50), 0)
    ImageDraw.Draw(image).text((2, 2), "巡区警情", font=fonts.pillow_font(32, weight=weight), fill=255)
    return np.asarray(image).sum()


def test_bold_puts_more_ink_on_the_page_than_regular():
    assert ink(700) > 1.25 * ink(400) > 0


def test_static_font_has_the_asked_characters_and_no_variable_axis(empty_cache):
    path = fonts.static_font(400, characters="禾川镇")
    with TTFont(path) as font:
        assert "fvar" not in font
        assert {ord(c) for c in "禾川镇巡区A"} <= set(font.getBestCmap())
    assert path.stat().st_size < 100_000


def test_static_weights_differ_as_matplotlib_sees_them(empty_cache):
    def drawn(weight):
        face = ft2font.FT2Font(str(fonts.static_font(weight)))
        face.set_size(40, 72)
        face.set_text("巡区")
        face.draw_glyphs_to_bitmap()
        return np.asarray(face.get_image()).sum()

    assert drawn(700) > 1.25 * drawn(400)


def test_static_font_is_made_once(empty_cache):
    first = fonts.static_font(400)
    stamp = first.stat().st_mtime_ns
    assert fonts.static_font(400) == first
    assert first.stat().st_mtime_ns == stamp
    assert list(empty_cache.iterdir()) == [first]


@pytest.mark.parametrize(
    ("platform", "variable", "tail"),
    [("win32", "LOCALAPPDATA", "xunqu/fonts"), ("linux", "XDG_CACHE_HOME", "xunqu/fonts")],
)
def test_cache_folder_follows_the_system(tmp_path, monkeypatch, platform, variable, tail):
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setenv(variable, str(tmp_path))
    assert fonts.cache_folder() == tmp_path / Path(tail)
