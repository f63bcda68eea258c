"""What is proven of plans, case by case, in tables that are kept."""

import csv
from pathlib import Path


def kept(name: str) -> list[dict[str, str]]:
    """Return the rows of a kept table, none where there is no such table yet."""
    table = Path(__file__).with_name(f"{name}.csv")
    if not table.exists():
        return []
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
