"""What a planner must know with a zone plan: how it was solved, beside today's areas, and which wishes it carries.

In:     the case, its answer, and the row of the plan beside that of today's areas.
Out:    notes: catalogue keys and values.
"""

import pandas as pd

from models.districting.problem import Ints
from models.districting.solve import Solution
from models.districting.wishes import Wishes, moved
from models.zone_case import Case
from models.zone_ground import Note
from models.zone_wishes import root_mean_square_km


def notes_of(case: Case, answer: Solution, today: pd.DataFrame) -> tuple[Note, ...]:
    """Return the notes of a zone plan; ``today`` is its table of that name."""
    assert answer.post is not None
    return (
        *case.ground.notes,
        (f"zones.note.{answer.ended_by}", {"solves": answer.solves, "cuts": answer.cuts}),
        *_today_notes(today),
        *_moved_notes(case.wishes, answer.post),
        *_wish_notes(case, answer.post),
        *_yardstick_notes(today, case.problem.tolerance),
    )


def _today_notes(today: pd.DataFrame) -> tuple[Note, ...]:
    if len(today) < 2:
        return ()
    ours, old = today.iloc[0], today.iloc[1]
    values = {
        "areas": int(old["zones"]), "old_max": f"{old['max_ratio']:.2f}", "old_min": f"{old['min_ratio']:.2f}",
        "old_travel": f"{old['mean_travel_min']:.1f}", "max": f"{ours['max_ratio']:.2f}",
        "min": f"{ours['min_ratio']:.2f}", "travel": f"{ours['mean_travel_min']:.1f}",
    }  # fmt: skip
    return (("zones.note.today", values),)


def _moved_notes(wishes: Wishes, post: Ints) -> tuple[Note, ...]:
    if wishes.today is None:
        return ()
    return (("zones.note.moved", {"moved": moved(wishes.today, post)[0], "units": len(post)}),)


def _wish_notes(case: Case, post: Ints) -> tuple[Note, ...]:
    """Say which wishes the plan carries, and of which plans its bound then speaks."""
    settings = case.settings
    notes: list[Note] = []
    names = case.ground.units["name"]
    for key, rows in (("locked", case.wishes.locked), ("posts", case.wishes.fixed_posts)):
        if len(rows):
            notes.append((f"zones.note.{key}", {"names": list(names.iloc[list(rows)])}))
    if settings.move_budget >= 0:
        notes.append(("zones.note.budget", {"budget": settings.move_budget}))
    if settings.move_price_min > 0:
        notes.append(("zones.note.price", {"price": f"{settings.move_price_min:g}"}))
    if settings.compactness_price_min > 0:
        values = {"price": f"{settings.compactness_price_min:g}",
                  "km": f"{root_mean_square_km(case.ground.units, post):.2f}"}  # fmt: skip
        notes.append(("zones.note.compactness", values))
    return tuple(notes)


def _yardstick_notes(today: pd.DataFrame, tolerance: float) -> tuple[Note, ...]:
    """Say how the maps stand among random plans, and where one of them could only lose in balance."""
    notes = []
    for row in today[(today["random_plans"] > 0) & today["beats_travel_pct"].notna()].to_dict("records"):
        outside = max(row["max_ratio"] - 1, 1 - row["min_ratio"]) > tolerance + 1e-9
        about = {"plans": row["random_plans"], "distinct": row["random_distinct"]}
        shares = {name: _share_of_plans(row[f"beats_{name}"]) for name in ("travel_pct", "balance_pct")}
        key = f"zones.note.random_{row['map']}"
        notes.append((f"{key}_outside" if outside and row["map"] == "work_area" else key, about | shares))
    return tuple(notes)


def _share_of_plans(share_pct: float) -> str:
    """Return a share in whole per cent that says 0 and 100 of none and all only."""
    return f"{share_pct if share_pct in (0, 100) else min(max(share_pct, 1), 99):.0f}"
