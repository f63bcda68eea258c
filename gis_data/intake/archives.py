"""Archives: the files that a person named, and each file inside a zip as a file of its own.

In:     paths.
Out:    ``Source``s: where each can be read (members and files whose ending lies, in a folder that goes away), how
        reports call it (``zip/member``), and its kind.

A zip is refused as a whole when a name in it leads out of the folder, when it unpacks to far more than it holds, or
when it is under a password. Names are never used as paths: each member gets a folder of its own.
"""

import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gis_data.errors import InputError, PatrolError
from gis_data.intake import kinds

PARTS = frozenset({".shp", ".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".cst"})
MOST_MEMBERS = 1_000
MOST_BYTES = 4 << 30
# Below this size no ratio is odd: a sheet of one repeated word shrinks to almost nothing.
SMALL_BYTES = 200 << 20
MOST_TIMES = 100
_JUNK = re.compile(r"(^|/)(__MACOSX/|\.|thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|\x00-\x1f]')


@dataclass(frozen=True)
class Source:
    """One file to be read.

    Attributes
    ----------
    path
        Where it lies; inside the ``with`` of ``sources`` only.
    name
        How reports call it.
    kind
        What it is (``kinds``); "" if nobody here reads it.
    member
        True if it came out of a zip.
    """

    path: Path
    name: str
    kind: str
    member: bool = False


@contextmanager
def sources(paths: Sequence[Path]) -> Iterator[list[Source]]:
    """Give the files behind paths, zips unpacked, for as long as the ``with`` block runs.

    Raises
    ------
    InputError
        If a file is missing, or a zip is damaged, locked, or not safe to unpack.
    """
    with tempfile.TemporaryDirectory(prefix="xunqu-", ignore_cleanup_errors=True) as folder:
        yield [source for number, path in enumerate(paths) for source in _expand(path, Path(folder) / str(number))]


def parts_of(path: Path) -> list[Path]:
    """Return the files that make up one file: a shapefile has several of the same name."""
    if path.suffix.lower() != ".shp":
        return [path]
    together = (part for part in path.parent.iterdir() if part.stem == path.stem and part.suffix.lower() in PARTS)
    return sorted(part for part in together if part.is_file())


def file_name(name: str) -> str:
    """Return a name that any disk takes, short and without separators."""
    return _NOT_IN_NAMES.sub("_", name).strip(" .")[-100:] or "_"


def refuse_bomb(archive: zipfile.ZipFile, *, file: str) -> None:
    """Refuse a zip (or a workbook, which is one) that unpacks to far more than it holds.

    Raises
    ------
    InputError
        If it does.
    """
    members = archive.infolist()
    size, packed = sum(one.file_size for one in members), sum(one.compress_size for one in members)
    if size > MOST_BYTES or len(members) > MOST_MEMBERS or (size > SMALL_BYTES and size > MOST_TIMES * packed):
        raise InputError("intake.bomb", file=file, members=len(members), megabytes=size >> 20)


def _expand(path: Path, folder: Path) -> Iterator[Source]:
    if not path.is_file():
        raise InputError("intake.missing_file", file=path)
    kind = kinds.kind_of(path)
    if kind == "zip":
        yield from _members(path, folder)
    else:
        yield Source(_under_its_ending(path, kind, folder), path.name, kind)


def _under_its_ending(path: Path, kind: str, folder: Path) -> Path:
    """Return the path, or a copy under the ending that the readers of this kind look for."""
    if kind not in kinds.CHOSEN_BY_ENDING or path.suffix.lower() in kinds.KINDS[kind]:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / f"{path.name}{kinds.KINDS[kind][0]}"
    shutil.copyfile(path, copy)
    return copy


def _members(path: Path, folder: Path) -> Iterator[Source]:
    try:
        with zipfile.ZipFile(path) as archive:
            refuse_bomb(archive, file=path.name)
            named = _safe_names(archive, file=path.name)
            groups = _together(named)
            for number, group in enumerate(groups):
                inside = folder / str(number)
                inside.mkdir(parents=True)
                written = [_write(archive, named[name], inside / file_name(PurePosixPath(name).name)) for name in group]
                kind = kinds.kind_of(written[0])
                if kind == "zip":
                    kind = ""  # a zip in a zip is not opened
                own_path = _under_its_ending(written[0], kind, inside)
                yield Source(own_path, _CONTROL.sub("_", f"{path.name}/{group[0]}"), kind, member=True)
            if not groups:
                raise InputError("intake.empty", file=path.name)
    except PatrolError:
        raise
    except Exception as problem:  # zipfile raises many things on damaged bytes: zlib.error, struct.error, EOFError ...
        raise InputError("intake.damaged", file=path.name) from problem


def _safe_names(archive: zipfile.ZipFile, *, file: str) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name, without folders and what operating systems leave behind.

    Raises
    ------
    InputError
        If a name leads out of the folder, or a member is under a password.
    """
    named: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = _name(info).replace("\\", "/")
        if name.startswith("/") or ":" in name or ".." in name.split("/") or stat.S_ISLNK(info.external_attr >> 16):
            raise InputError("intake.zip_path", file=file, member=name)
        if info.is_dir() or _JUNK.search(name):
            continue
        if info.flag_bits & 1:
            raise InputError("intake.locked", file=file)
        while name in named:  # two members of one name are two files
            name += "+"
        named[name] = info
    return named


def _name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; Windows in Chinese writes names in GBK and does not say so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        raw = info.filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.filename


def _together(named: Mapping[str, zipfile.ZipInfo]) -> list[list[str]]:
    """Return the members that are one file each: a shapefile's parts follow its .shp."""
    stems = {PurePosixPath(name).with_suffix("") for name in named if name.lower().endswith(".shp")}

    def is_part(name: str) -> bool:
        return PurePosixPath(name).suffix.lower() in PARTS and PurePosixPath(name).with_suffix("") in stems

    groups = []
    for name in named:
        if name.lower().endswith(".shp"):
            stem = PurePosixPath(name).with_suffix("")
            same = [other for other in named if is_part(other) and PurePosixPath(other).with_suffix("") == stem]
            groups.append([name, *(other for other in same if other != name)])
        elif not is_part(name):
            groups.append([name])
    return groups


def _write(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> Path:
    # ZipFile.open reads no more than the size that refuse_bomb has added up, and checks the sum over the bytes.
    with archive.open(info) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
    return target
