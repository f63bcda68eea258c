"""The workspace: one folder that holds a study, and that a station can copy to a stick.

In:     a study (its boundary, CRS, settings) and tables that conform to ``gis_data.tables``.
Out:    ``station.toml`` (settings, each with its reason), ``station.gpkg`` (all tables), ``raw/``, ``set_aside/``,
        ``plans/``, ``out/``, ``audit.jsonl``. A kill at any moment leaves the last complete state readable.
"""

import contextlib
import json
import os
import secrets
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from gis_data import acting, audit, geopackage
from gis_data.catalogue import language, sentences, text
from gis_data.errors import WorkspaceError
from gis_data.schema import Schema, narrowed
from gis_data.settings import Settings
from gis_data.study import WORKSPACE_VERSION, Study
from gis_data.tables import TABLES, TEXT

FOLDERS = ("raw", "set_aside", "plans", "out")
BOUNDARY = Schema("boundary", {"name": TEXT}, geometry=("Polygon", "MultiPolygon"))
SYNTHETIC_SALT = "synthetic"


@dataclass(frozen=True)
class Workspace:
    """A study on disk.

    Attributes
    ----------
    root
        The folder.
    study
        Whose ground it is, and its settings.
    intake
        The ``[intake]`` tables of ``station.toml``: the station's own words for classes.
    """

    root: Path
    study: Study
    intake: Mapping[str, Any]

    @classmethod
    def create(cls, root: Path, study: Study) -> "Workspace":
        """Make a workspace in a new or empty folder.

        Raises
        ------
        WorkspaceError
            If the folder already holds something.
        """
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise WorkspaceError("workspace.exists", folder=root)
        for name in FOLDERS:
            (root / name).mkdir(parents=True, exist_ok=True)
        geopackage.create(root / "station.gpkg")
        boundary = BOUNDARY.conform(study.boundary_frame(), crs=study.crs)
        geopackage.write(root / "station.gpkg", [(BOUNDARY, boundary)], crs=study.crs)
        # The sample town has no secret to keep, and its numbers must be the same everywhere.
        write_atomically(root / "salt", SYNTHETIC_SALT if study.synthetic else secrets.token_hex(32))
        (root / "lock").touch()
        # station.toml comes last: a folder is a workspace when it has one.
        write_atomically(root / "station.toml", "\n".join(_toml_lines(study)) + "\n")
        ws = cls(root, study, {})
        ws.log("create", name=study.name, crs=study.crs, timezone=study.timezone, synthetic=study.synthetic)
        return ws

    @classmethod
    def open(cls, root: Path) -> "Workspace":
        """Open an existing workspace.

        Raises
        ------
        WorkspaceError
            If the folder is no workspace, was made by another version, or is damaged.
        SchemaError
            If ``station.toml`` holds an unknown setting or one of the wrong type.
        """
        path = root / "station.toml"
        if not path.is_file() or not (root / "station.gpkg").is_file():
            raise WorkspaceError("workspace.missing", folder=root)
        try:
            head = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise WorkspaceError("workspace.damaged", file=path, problem=problem) from problem
        if head.get("version") != WORKSPACE_VERSION:
            raise WorkspaceError(
                "workspace.version", folder=root, found=head.get("version", "?"), wanted=WORKSPACE_VERSION
            )
        return cls(root, _study(root, head), head.get("intake", {}))

    def asking(self, changes: Mapping[str, Any]) -> "Workspace":
        """Return the workspace with some settings changed for one run; ``station.toml`` stays as it is."""
        return replace(self, study=replace(self.study, settings=self.study.settings.changed(changes)))

    @property
    def out(self) -> Path:
        """Folder of prints and documents."""
        return self.root / "out"

    @property
    def salt(self) -> str:
        """Secret with which call numbers are hashed; without it, later imports cannot be matched."""
        path = self.root / "salt"
        if not path.is_file():
            raise WorkspaceError("workspace.salt_missing", file=path)
        return path.read_text(encoding="utf-8")

    def read(self, name: str, *, only: Sequence[str] = (), slim: bool = False) -> Any:  # noqa: ANN401 - a (geo) frame
        """Return a table in the study's CRS and time zone; an empty one if it was never written.

        Parameters
        ----------
        only
            Columns to read, as a plain frame: one of a million rows takes a tenth of the time of all.
        slim
            Have a table of points in a quarter of the memory (slim.py).
        """
        schema = narrowed(TABLES[name], only) if only else TABLES[name]
        return geopackage.read(self._gpkg, schema, crs=self.study.crs, timezone=self.study.timezone, slim=slim)

    def write(self, tables: Mapping[str, pd.DataFrame]) -> None:
        """Check and replace the given tables (slim ones too), all together or not at all.

        Raises
        ------
        AccessError
            If a signed-in role that may only look asks for it.
        """
        acting.require("change")
        study = self.study
        checked = [
            (TABLES[name], TABLES[name].conform(frame, crs=study.crs, timezone=study.timezone))
            for name, frame in tables.items()
        ]
        geopackage.write(self._gpkg, checked, crs=study.crs)

    def table_hash(self, name: str) -> str:
        """Return a hash of a table's content: equal rows in equal order give an equal hash."""
        return geopackage.content_hash(self._gpkg, TABLES[name])

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Change tables alone: another process that wants to change them waits; readers do not."""
        acting.require("change")
        with (self.root / "lock").open("a+b") as file, audit.locked(file):
            yield

    def commit(
        self,
        tables: Mapping[str, pd.DataFrame],
        action: str,
        *,
        inputs: Mapping[str, str] | None = None,
        wipe: bool = False,
        **parameters: Any,  # noqa: ANN401 - anything that can be printed
    ) -> None:
        """Replace tables, and in the same transaction note what the audit log must say of it.

        Call ``catch_up`` when everything outside the tables is done. A kill before it leaves the note in the tables.

        Parameters
        ----------
        wipe
            Leave nothing of the old rows on the disk, not even in free pages.
        """
        entry = {
            "action": action,
            "inputs": dict(inputs or {}),
            "outputs": list(tables),
            "parameters": parameters,
            "wipe": wipe,
        }
        note = pd.DataFrame({"token": [secrets.token_hex(8)], "entry": [json.dumps(entry, default=str)]})
        self.write({**tables, "unlogged": note})

    def is_behind(self) -> bool:
        """Tell whether something was committed and not yet logged."""
        return not self.read("unlogged").empty

    def catch_up(self) -> None:
        """Log what was committed and not yet logged."""
        waiting = self.read("unlogged")
        path = self.root / audit.NAME
        for token, written in zip(waiting["token"], waiting["entry"], strict=True):
            entry = json.loads(written)
            if entry["wipe"]:
                geopackage.wipe(self._gpkg)
            if any(known["parameters"].get("token") == token for known in audit.entries(path)[-1:]):
                continue  # killed between the log and this table
            outputs = {name: self.table_hash(name) for name in entry["outputs"]}
            self.log(entry["action"], inputs=entry["inputs"], outputs=outputs, token=token, **entry["parameters"])
        self.write({"unlogged": waiting.iloc[:0]})

    def log(
        self,
        action: str,
        *,
        inputs: Mapping[str, str] | None = None,
        outputs: Mapping[str, str] | None = None,
        role: str = acting.STATION.role,
        **parameters: Any,  # noqa: ANN401 - anything that can be printed
    ) -> None:
        """Add one entry to the audit chain; ``role`` is the part the account played."""
        path = self.root / audit.NAME
        audit.append(path, action, parameters=parameters, inputs=inputs, outputs=outputs, role=role)

    @property
    def _gpkg(self) -> Path:
        return self.root / "station.gpkg"


def write_atomically(path: Path, content: str | bytes, *, secret: bool = False) -> None:
    """Write a file so that a reader, or the next start after a kill, sees the old content or the new one.

    Parameters
    ----------
    secret
        Leave it to be read by its owner only.
    """
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        if secret:
            draft.chmod(0o600)
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def listed(folder: Path, pattern: str = "*") -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the files of a folder by name with what is known of each; one that goes away meanwhile is left out."""
    for path in sorted(folder.glob(pattern)):
        with contextlib.suppress(FileNotFoundError):
            yield path, path.stat()


def _study(root: Path, head: Mapping[str, Any]) -> Study:
    absent = [name for name in ("name", "crs", "timezone") if name not in head]
    if absent:
        raise WorkspaceError("workspace.damaged", file=root / "station.toml", problem=", ".join(absent))
    boundary = geopackage.read(root / "station.gpkg", BOUNDARY, crs=head["crs"], timezone=head["timezone"])
    if boundary.empty:
        raise WorkspaceError("workspace.damaged", file=root / "station.gpkg", problem="boundary")
    return Study(
        name=head["name"],
        boundary=boundary.geometry.iloc[0],
        crs=head["crs"],
        timezone=head["timezone"],
        synthetic=bool(head.get("synthetic", False)),
        credit=head.get("credit", ""),
        settings=Settings.from_mapping(head.get("settings", {})),
    )


def _toml_lines(study: Study) -> Iterator[str]:
    yield f"# {text('workspace.toml_head')}"
    yield f"version = {WORKSPACE_VERSION}"
    for name in ("name", "crs", "timezone", "synthetic", "credit"):
        yield f"{name} = {_toml(getattr(study, name))}"
    values, defaults = study.settings.to_mapping(), Settings().to_mapping()
    yield from _section("settings", values, defaults)
    for section, inner in values.items():
        if isinstance(inner, dict):
            yield from _section(f"settings.{section}", inner, defaults[section])


def _section(path: str, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[str]:
    known = sentences(language())
    yield ""
    yield f"[{path}]"
    for name, value in values.items():
        if isinstance(value, dict):
            continue
        for line in known.get(f"{path}.{name}", "").splitlines():
            yield f"# {line}"
        yield f"{name} = {_toml(value)}  # {text('workspace.toml_default')} {_toml(defaults[name])}"


def _toml(value: Any) -> str:  # noqa: ANN401 - text, number, flag or list
    # JSON's text, numbers, flags and lists are TOML's too.
    return json.dumps(value, ensure_ascii=False)
