"""Changing a station's settings: checked, written into ``station.toml`` with its comments kept, and logged.

In:     changed values as nested tables (section -> name -> value).
Out:    the workspace with the new settings. What the file holds beside them stays letter for letter.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from gis_data.catalogue import flat, text
from gis_data.errors import InputError, SchemaError, WorkspaceError
from gis_data.settings import Settings
from gis_data.workspace import Workspace, write_atomically

MANY = 1e9
# What a value may be where a type alone lets nonsense through: (least, most). A share is between 0 and 1; a count, a
# length, a price or a span is not below zero. Names not listed here are held to 0 and more if they are numbers.
LIMITS: dict[str, tuple[float, float]] = {
    "review_after_months": (1, 60), "cell_size_m": (50, 2_000), "seed": (0, 2**32 - 1),
    "hotspots.alpha": (0.001, 0.2), "hotspots.simulations": (19, 9_999), "hotspots.resamples": (9, 9_999),
    "hotspots.life_simulations": (19, 9_999), "hotspots.expire_after_months": (1, 60),
    "hotspots.life_window_months": (1, 60), "hotspots.null_bandwidth_m": (50, 5_000), "hotspots.eps_m": (0, 5_000),
    "zones.tolerance": (0.01, 1.0), "zones.count": (0, 200), "zones.move_budget": (-1, 100_000),
    "zones.random_plans": (0, 100_000), "zones.time_limit_s": (1, 36_000),
    "workload.patrol_speed_km_per_h": (1, 120),
    "beats.shift_h": (1, 24), "beats.moving_min_per_h": (1, 60), "beats.max_km_per_shift": (1, 500),
    "beats.tolerance": (0.0, 1.0), "beats.stop_min": (1, 120),
    "scorecard.level": (0.5, 0.999), "scorecard.alpha": (0.001, 0.2), "scorecard.least_reached_pct": (0, 100),
    "scorecard.least_checkpoints_met_pct": (0, 100), "scorecard.reached_per_week": (1, 100),
    "cameras.disorder_quantile": (0.5, 0.999), "cameras.disorder_level": (0.5, 0.999),
    "cameras.ptz_manual_share": (0, 1), "cameras.gap": (0, 1), "cameras.retention_days": (30, 3_650),
    "cameras.max_cameras_per_pole": (1, 12), "cameras.rollout_years": (1, 20), "cameras.time_limit_s": (1, 36_000),
    "cameras.budget_per_cordon": (1, 100), "cameras.mount_height_m": (2, 30),
    "privacy.publish_at_least": (3, 1_000), "privacy.purge_raw_after_days": (1, 3_650),
}  # fmt: skip


def change_settings(ws: Workspace, changes: Mapping[str, Any], *, reason: str = "") -> Workspace:
    """Write changed settings into ``station.toml``, say so in the audit log, and return the workspace as it is now.

    Parameters
    ----------
    changes
        Changed values as nested tables; a value equal to the present one changes nothing.
    reason
        Why; logged.

    Raises
    ------
    SchemaError
        If a setting is unknown, of the wrong type, or out of its range.
    InputError
        If the file is written in a way that only a hand can change.
    WorkspaceError
        If the file cannot be read as text.
    """
    old = dict(flat(ws.study.settings.to_mapping()))
    wanted = ws.study.settings.changed(changes)
    new = dict(flat(wanted.to_mapping()))
    changed = {name: value for name, value in new.items() if value != old[name]}
    for name, value in changed.items():
        _check_range(name, value)
    if not changed:
        return ws
    path = ws.root / "station.toml"
    with ws.alone():
        try:
            before = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise WorkspaceError("workspace.damaged", file=path, problem=problem) from problem
        after = before
        for name, value in changed.items():
            after = _with_value(after, name, value)
        if _settings_in(after) != wanted:
            raise InputError("setting.by_hand", names="、".join(changed))
        write_atomically(path, after)
        ws.log("settings", role="planner", changes={name: [old[name], new[name]] for name in changed}, reason=reason)
    return Workspace.open(ws.root)


def limits_of(name: str) -> tuple[float, float]:
    """Return the least and the greatest value of a number."""
    return LIMITS.get(name, (0, MANY))


def _check_range(name: str, value: Any) -> None:  # noqa: ANN401 - any setting
    numbers = value if isinstance(value, list) else [value]
    low, high = limits_of(name)
    for number in numbers:
        if isinstance(number, int | float) and not isinstance(number, bool) and not low <= number <= high:
            raise SchemaError("setting.range", name=name, found=number, low=low, high=high)


def _with_value(lines_of: str, name: str, value: Any) -> str:  # noqa: ANN401 - any setting
    """Return TOML text with one setting changed in its place, or added at the end of its section."""
    *sections, key = name.split(".")
    head = ".".join(("settings", *sections))
    lines = lines_of.splitlines()
    start = next((at for at, line in enumerate(lines) if _is_head(line, head)), None)
    if start is None:
        return "\n".join([*lines, "", f"[{head}]", f"{key} = {_toml(value)}"]) + "\n"
    end = next((at for at in range(start + 1, len(lines)) if lines[at].lstrip().startswith("[")), len(lines))
    default = f"  # {text('workspace.toml_default')} {_toml(dict(flat(Settings().to_mapping()))[name])}"
    line = f"{key} = {_toml(value)}{default}"
    for at in range(start + 1, end):
        if re.match(rf"\s*{re.escape(key)}\s*=", lines[at]):
            return "\n".join([*lines[:at], line, *lines[at + 1 :]]) + "\n"
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    return "\n".join([*lines[:end], line, *lines[end:]]) + "\n"


def _is_head(line: str, section: str) -> bool:
    return re.fullmatch(rf"\s*\[\s*{re.escape(section)}\s*\]\s*(#.*)?", line) is not None


def _settings_in(toml: str) -> Settings | None:
    try:
        return Settings.from_mapping(tomllib.loads(toml).get("settings", {}))
    except (tomllib.TOMLDecodeError, SchemaError):
        return None


def _toml(value: Any) -> str:  # noqa: ANN401 - text, number, flag or list
    return json.dumps(value, ensure_ascii=False)
