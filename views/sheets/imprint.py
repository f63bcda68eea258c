"""What every sheet says of itself: whose it is, from which plan and records it was made, and when.

In:     a study, the plan a sheet shows (if one), the audit log's last hash, the day of printing.
Out:    the words of title block and footer, and the QR code: "XUNQU", plan number, audit number.

The audit number is the hash of the log's last line when the sheet was printed. A log that was cut short or rewritten
later no longer holds that line, so a sheet of paper is a witness (``gis_data.audit``).
"""

import datetime
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import segno

from gis_data.catalogue import text
from gis_data.study import Study
from models.plan import Plan
from views.sheets import svg
from views.summary import credit

AUDIT_LETTERS = 12
QUIET_MODULES = 4  # a reader needs so much white around the code (ISO/IEC 18004)


@dataclass(frozen=True)
class Imprint:
    """Where a sheet comes from. ``plan`` and ``audit`` are numbers on paper, "" where there is none."""

    study: Study
    plan: str
    audit: str
    period: str
    printed_on: datetime.date

    @classmethod
    def of(
        cls, study: Study, plan: Plan | None, *, audit: str, printed_on: datetime.date, period: str = ""
    ) -> "Imprint":
        """Return the imprint of a sheet that shows a plan; the plan's period where none is given."""
        number = "" if plan is None else plan_id(plan)
        days = period or ("" if plan is None else period_of(plan))
        return cls(study, number, audit[:AUDIT_LETTERS], days, printed_on)

    @property
    def code(self) -> str:
        """What the QR code says."""
        return " ".join(("XUNQU", self.plan.upper() or "-", self.audit.upper() or "-"))

    def words(self) -> dict[str, Any]:
        """Return what the templates need of it."""
        return {
            "secrecy": text("sheet.secrecy"),
            "synthetic": text("sheet.synthetic") if self.study.synthetic else "",
            "page": text("sheet.page", number="{number}", count="{count}"),  # typst knows them
            "qr": qr_svg(self.code),
            "north": {"letter": text("sheet.north"), "note": text("sheet.grid_north")},
            "foot": {"left": [text("sheet.foot.proposal")] if self.plan else [], "right": self._right()},
            "projection": text("sheet.foot.projection", crs=self.study.crs),
        }

    def _right(self) -> list[str]:
        day = self.printed_on.isoformat()
        made = text("sheet.foot.plan", plan=self.plan, date=day) if self.plan else text("sheet.foot.printed", date=day)
        return [
            made + (text("sheet.foot.audit", audit=self.audit) if self.audit else ""),
            *([text("sheet.foot.period", period=self.period)] if self.period else []),
            *([text("sheet.foot.credit", credit=credit(self.study))] if credit(self.study) else []),
        ]


def plan_id(plan: Plan) -> str:
    """Return eight letters that stand for what the plan was made from: inputs, settings, seed."""
    head = {name: value for name, value in plan.head().items() if name in ("name", "inputs", "settings", "seed")}
    return hashlib.sha256(json.dumps(head, sort_keys=True, default=str).encode()).hexdigest()[:8]


def period_of(plan: Plan) -> str:
    """Say from which day to which a plan's incidents are."""
    start, end = plan.settings.get("period_start"), plan.settings.get("period_end")
    if not start or not end:
        return text("sheet.card.no_period")
    last = datetime.date.fromisoformat(str(end)) - datetime.timedelta(days=1)
    return text("sheet.card.period", start=start, last=last.isoformat())


def qr_svg(words: str) -> str:
    """Return words as a QR code with its quiet zone, one square a dark module."""
    matrix = segno.make(words, error="m", micro=False).matrix
    size = len(matrix) + 2 * QUIET_MODULES
    squares = "".join(
        f"M{x + QUIET_MODULES} {y + QUIET_MODULES}h1v1h-1z"
        for y, row in enumerate(matrix)
        for x, dark in enumerate(row)
        if dark
    )
    ground = f'<rect width="{size}" height="{size}" fill="#ffffff"/>'
    return svg.picture(size, size, [ground, f'<path d="{squares}" fill="#000000"/>'])
