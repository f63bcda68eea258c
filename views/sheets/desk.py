"""What sheets are printed from: one station's records and plans at one moment, and the marks every print carries.

In:     a workspace and its plans.
Out:    a ``Desk``; tables are read when a sheet first asks for them.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd

from gis_data import audit
from gis_data.errors import InputError
from gis_data.study import Study
from gis_data.workspace import Workspace
from models.borders import as_drawn
from models.plan import Plan
from views.sheets.imprint import Imprint
from views.sheets.zone_sheet import GROUND


@dataclass(frozen=True)
class Desk:
    """One station's records and plans, borders as they are drawn; ``audit`` is the hash of the log's last line."""

    ws: Workspace
    plans: Mapping[str, Plan]
    audit: str
    printed_on: datetime.date
    _read: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, ws: Workspace, plans: Mapping[str, Plan], *, printed_on: datetime.date | None = None) -> "Desk":
        """Return the desk as it is now."""
        return cls(ws, as_drawn(plans), audit.last(ws.root / audit.NAME), printed_on or _today(ws.study))

    def today(self) -> "Desk":
        """Return the same desk with today's marks; what was read or drawn stays."""
        return Desk(self.ws, self.plans, audit.last(self.ws.root / audit.NAME), _today(self.study), self._read)

    @property
    def study(self) -> Study:
        """The study of the workspace."""
        return self.ws.study

    def table(self, name: str) -> Any:  # noqa: ANN401 - a frame, or a geo frame where the schema has a geometry
        """Return a table of the workspace."""
        if name not in self._read:
            self._read[name] = self.ws.read(name)
        return self._read[name]

    def ground(self) -> dict[str, gpd.GeoDataFrame]:
        """Return the tables that maps are drawn from."""
        return {name: self.table(name) for name in GROUND}

    def plan(self, name: str) -> Plan:
        """Return a plan.

        Raises
        ------
        InputError
            If it is not made yet.
        """
        if name not in self.plans:
            raise InputError("sheet.no_plan", plan=name)
        return self.plans[name]

    def once(self, name: str, make: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever is made
        """Return what several sheets of one print share, made once."""
        if name not in self._read:
            self._read[name] = make()
        return self._read[name]

    def imprint(self, plan: str = "", *, period: str = "") -> Imprint:
        """Return the imprint of a sheet that shows a plan ("" for none)."""
        shown = self.plan(plan) if plan else None
        return Imprint.of(self.study, shown, audit=self.audit, printed_on=self.printed_on, period=period)


def _today(study: Study) -> datetime.date:
    """Return the day at the station, whatever zone the machine's clock is set to: the log and the pages say it too."""
    return datetime.datetime.now(ZoneInfo(study.timezone)).date()
