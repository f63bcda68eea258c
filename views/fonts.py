"""The one Chinese typeface of all faces: Noto Sans CJK (OFL), from the wheel ``manimgx-fonts-cjk``.

In:     nothing but the installed wheel; no system font is ever asked for.
Out:    the folder typst searches, a Pillow font of any weight, and a static subset for matplotlib.

The wheel holds one variable font in a collection. typst and Pillow set its weight themselves; matplotlib cannot
and would draw the thinnest master, so it gets a static instance of just the characters it will draw. (Refused:
an instance of the whole font, 25 s for the 7,000 characters of GB 2312, where a chart needs a few hundred.)
"""

import hashlib
import os
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from PIL import ImageFont

from gis_data.catalogue import LANGUAGES, sentences

FAMILY = "Noto Sans CJK SC"
Weight = Literal[400, 700]

_SIMPLIFIED_CHINESE = 2  # the collection's faces: JP, KR, SC, TC, HK
_ASCII = "".join(map(chr, range(0x20, 0x7F)))


def font_folder() -> Path:
    """Return the folder that holds the font file (typst: ``font_paths=[font_folder()]``)."""
    spec = find_spec("manimgx_fonts_cjk")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("manimgx_fonts_cjk")
    return Path(spec.origin).parent


def font_file() -> Path:
    """Return the variable font collection itself."""
    return next(font_folder().glob("*.ttc"))


@cache
def pillow_font(size_px: int, *, weight: Weight = 400) -> ImageFont.FreeTypeFont:
    """Return the font for Pillow (map tiles, icons) at a size in pixels."""
    font = ImageFont.truetype(str(font_file()), size_px, index=_SIMPLIFIED_CHINESE)
    font.set_variation_by_axes([weight])
    return font


def static_font(weight: Weight = 400, *, characters: str = "") -> Path:
    """Return a static font file with every character of the catalogue and of ``characters``.

    Made once (about 3 s for a thousand characters) and kept in the user's cache folder under a name that
    depends on weight, characters and font, so that two versions never meet.
    """
    wanted = "".join(sorted({*_catalogue_characters(), *characters}))
    source = font_file()
    stamp = f"{weight} {source.stat().st_size} {wanted}"
    path = cache_folder() / f"noto-sans-cjk-sc-{weight}-{hashlib.sha256(stamp.encode()).hexdigest()[:16]}.otf"
    if not path.exists():
        _write_instance(source, wanted, weight, path)
    return path


def cache_folder() -> Path:
    """Return the folder for things that can be made again, where this system keeps such things."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "xunqu" / "fonts"


@cache
def _catalogue_characters() -> str:
    return _ASCII + "".join(sentence for lang in LANGUAGES for sentence in sentences(lang).values())


def _write_instance(source: Path, characters: str, weight: int, path: Path) -> None:
    from fontTools import subset
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    options = subset.Options(layout_features=[], notdef_outline=True)
    options.drop_tables += ["GSUB", "GPOS", "BASE", "VORG", "VVAR", "vhea", "vmtx"]  # horizontal charts only
    with TTFont(source, fontNumber=_SIMPLIFIED_CHINESE, lazy=True) as font:
        maker = subset.Subsetter(options)
        maker.populate(text=characters)
        maker.subset(font)
        instancer.instantiateVariableFont(font, {"wght": weight}, inplace=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:  # a kill leaves no half font behind
            made = Path(folder) / path.name
            font.save(made)
            made.replace(path)
