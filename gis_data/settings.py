"""Settings of a study: each with its default; its reason stands in the catalogue under ``settings.<section>.<name>``.

In:     the tables of ``station.toml`` (section -> name -> value); missing names take their defaults.
Out:    a frozen ``Settings``. An unknown section or name, or a value of the wrong type, is a SchemaError:
        a mistyped setting must not be ignored silently.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gis_data.catalogue import text
from gis_data.errors import SchemaError


@dataclass(frozen=True)
class HotspotSettings:
    """How incident points are clustered (METHODS: DBSCAN on projected metres); ``eps_m`` 0 takes it from the data."""

    method: str = "dbscan"
    eps_m: float = 0.0
    min_incidents_per_year: float = 6.0
    max_area_km2: float = 0.5
    min_area_m2: float = 10_000.0
    null_bandwidth_m: float = 300.0
    simulations: int = 199
    alpha: float = 0.05
    resamples: int = 99
    expire_after_months: int = 6
    life_window_months: int = 6
    life_simulations: int = 99


@dataclass(frozen=True)
class WorkloadSettings:
    """Minutes of work, so that balance can be read as hours a week."""

    minutes_criminal: float = 120.0
    minutes_public_order: float = 75.0
    minutes_dispute: float = 60.0
    minutes_traffic: float = 60.0
    minutes_fire_rescue: float = 60.0
    minutes_help: float = 30.0
    minutes_accident: float = 90.0
    minutes_other: float = 20.0
    patrol_speed_km_per_h: float = 25.0
    patrol_passes_per_week: float = 2.0
    fixed_min_per_week_per_village: float = 30.0
    trips_per_incident: float = 1.0


@dataclass(frozen=True)
class ZoneSettings:
    """How the town is cut into patrol zones."""

    count: int = 0
    tolerance: float = 0.10
    move_price_min: float = 0.0
    move_budget: int = -1
    compactness_price_min: float = 0.0
    locked_villages: str = ""
    post_villages: str = ""
    split_heavy: bool = False
    random_plans: int = 1000
    time_limit_s: float = 30.0


@dataclass(frozen=True)
class BeatSettings:
    """What one crew patrols in a shift, and how often it is seen at a checkpoint (DOMAIN 2.1, 5.6)."""

    shift_h: float = 6.0
    moving_min_per_h: float = 40.0
    max_km_per_shift: float = 60.0
    tolerance: float = 0.05
    stop_min: float = 12.0
    visits_hotspot: int = 7
    visits_market: int = 1
    visits_school: int = 2
    visits_back_lane: int = 1


@dataclass(frozen=True)
class ScorecardSettings:
    """How zones are compared."""

    level: float = 0.95
    alpha: float = 0.05
    readable_count: float = 10.0
    reached_per_week: int = 1
    checkpoint_reach_m: float = 100.0
    most_observed_to_expected: float = 1.25
    most_change_ratio: float = 1.25
    least_reached_pct: float = 80.0
    least_checkpoints_met_pct: float = 90.0


@dataclass(frozen=True)
class CameraSettings:
    """The three rules, what a camera costs, and how far it sees (EN 62676-4)."""

    population_over: int = 1500
    population_operator: str = ">"
    disorder_quantile: float = 0.90
    disorder_level: float = 0.95
    disorder_quarter_count: float = 5.0
    also_villages: str = ""
    deferred_villages: str = ""
    budget_cny: float = 0.0
    budget_per_cordon: float = 1.5
    pole_cny: float = 3000.0
    mount_cny: float = 800.0
    camera_cny: tuple[float, ...] = (1500.0, 1800.0)
    lens_hfov_deg: tuple[float, ...] = (84.0, 24.0)
    solar_cny: float = 2600.0
    radio_link_cny: float = 900.0
    ptz_cny: float = 0.0
    ptz_presets: int = 8
    ptz_manual_share: float = 0.2
    ptz_reach_m: float = 60.0
    max_cameras_per_pole: int = 4
    max_poles_per_village: int = 80
    mount_height_m: float = 6.0
    image_width_px: int = 2688
    image_height_px: int = 1520
    entrance_px_per_m: float = 125.0
    coverage_px_per_m: float = 62.5
    infrared_m: float = 30.0
    risk_bandwidth_m: float = 75.0
    released_entrances: str = ""
    curve_step_cny: float = 50_000.0
    rollout_years: int = 3
    retention_days: int = 30
    responsible_unit: str = ""
    gap: float = 0.001
    time_limit_s: float = 60.0


@dataclass(frozen=True)
class PrivacySettings:
    """Small counts are not published (DOMAIN 6.4)."""

    publish_at_least: int = 10
    purge_raw_after_days: int = 90


@dataclass(frozen=True)
class PrintSettings:
    """How sheets are printed."""

    zone_scale: int = 0


@dataclass(frozen=True)
class Settings:
    """All settings of one study."""

    seed: int = 20240101
    cell_size_m: float = 200.0
    review_after_months: int = 6
    hotspots: HotspotSettings = field(default_factory=HotspotSettings)
    workload: WorkloadSettings = field(default_factory=WorkloadSettings)
    zones: ZoneSettings = field(default_factory=ZoneSettings)
    beats: BeatSettings = field(default_factory=BeatSettings)
    scorecard: ScorecardSettings = field(default_factory=ScorecardSettings)
    cameras: CameraSettings = field(default_factory=CameraSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    print: PrintSettings = field(default_factory=PrintSettings)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "Settings":
        """Build settings from the tables of ``station.toml``.

        Raises
        ------
        SchemaError
            If a name is unknown or a value has the wrong type.
        """
        return _build(cls, values, where="")

    def changed(self, changes: Mapping[str, Any]) -> "Settings":
        """Return the settings with some values changed, given as nested tables; raises as ``from_mapping`` does."""
        return Settings.from_mapping(_merged(self.to_mapping(), changes))

    def to_mapping(self) -> dict[str, Any]:
        """Return the settings as plain nested dictionaries (tuples as lists)."""
        return _plain(dataclasses.asdict(self))


def _build(cls: type[Any], values: Mapping[str, Any], where: str) -> Any:  # noqa: ANN401 - builds any section
    known = {item.name: item for item in dataclasses.fields(cls)}
    default = cls()
    built: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise SchemaError("setting.unknown", name=f"{where}{name}", known=", ".join(known))
        old = getattr(default, name)
        if dataclasses.is_dataclass(old):
            built[name] = _build(type(old), value, where=f"{where}{name}.")
        else:
            built[name] = _typed(old, value, name=f"{where}{name}")
    return cls(**built)


def _typed(old: Any, value: Any, name: str) -> Any:  # noqa: ANN401 - a setting may have any simple type
    if isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(old, tuple) and isinstance(value, list):
        return tuple(float(item) for item in value)
    if type(value) is not type(old):
        wanted = text(f"error.setting.kind.{type(old).__name__}")
        raise SchemaError("setting.type", name=name, found=repr(value), wanted=wanted)
    return value


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for name, value in changes.items():
        old = merged.get(name)
        merged[name] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _plain(value: Any) -> Any:  # noqa: ANN401 - walks nested settings
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return list(value) if isinstance(value, tuple) else value
