"""A run of plans in a few lines: what was decided, how far it is from the proven bound, what to know.

In:     finished plans by name.
Out:    sentences in the running language. Nothing is computed here but rounding.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from gis_data.catalogue import LANGUAGES, text
from gis_data.study import Study
from models.plan import Plan
from models.town_plan import ON_REQUEST, PARTS

NO_GAP = 1e-9  # what is left between two sums of the same ways


def plan_lines(plans: Mapping[str, Plan]) -> Iterator[str]:
    """Yield the lines that the command line prints after planning."""
    for name in (*PARTS, *ON_REQUEST):
        if name not in plans:
            continue
        plan = plans[name]
        yield text(f"command.plan.{name}", seconds=f"{plan.seconds:.1f}", **_counts(plan))
        if plan.bound is not None and plan.objective is not None:
            yield "    " + optimality(plan)
        for key, values in plan.notes:
            yield "    " + text(key, **values)


def credit(study: Study) -> str:
    """Return whom the base data is owed to; nothing where it only repeats the mark of invented data."""
    said_by_mark = {text("map.synthetic", lang=lang) for lang in LANGUAGES} if study.synthetic else set()
    return "" if study.credit in said_by_mark else study.credit


def _counts(plan: Plan) -> dict[str, Any]:
    table = plan.to_frame()
    if plan.name == "beats":
        return {"rows": len(table), "checkpoints": len(plan.tables["checkpoints"])}
    if plan.name == "cameras":
        new = int((table["status"] == "new").sum()) if len(table) else 0
        return {"new": new, "existing": len(table) - new}
    if "is_hotspot" not in table:
        return {"rows": len(table)}
    return {"found": int(table["is_hotspot"].sum()), "chance": int((table["status"] == "chance").sum())}


def optimality(plan: Plan) -> str:
    """Say how far a plan is from its proven bound."""
    objective = f"{plan.objective:,.2f}"
    values: dict[str, Any] = {
        "objective": text(plan.unit, value=objective) if plan.unit else objective,
        "bound": f"{plan.bound:,.2f}",
        "gap": f"{max((plan.gap or 0) * 100, 0.01):.2f}",  # «at most» may be rounded up, and not to nothing
    }
    return text("command.optimal" if plan.gap is not None and plan.gap < NO_GAP else "command.gap", **values)
