"""HiGHS as this house uses it: silent, on one thread, with a fixed seed.

In:     options of HiGHS.
Out:    a ``Highs`` object ready for a model.

One thread everywhere: a first solve with default threads fixes HiGHS's scheduler for the process, and a later solve
with ``threads=1`` then silently returns nothing. Check the model status after each solve all the same.
"""

from typing import Any

import highspy


class _QuietHighs(highspy.Highs):
    """HiGHS writes its banner to standard output while it is being made; there it would spoil ``--json``."""

    def enableCallbacks(self) -> None:  # noqa: N802 - the library's name; the first thing its constructor calls
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()  # type: ignore[no-untyped-call]


def quiet_highs(**options: Any) -> highspy.Highs:  # noqa: ANN401 - options are bool, int, float or text
    """Return a HiGHS solver that prints nothing, uses one thread, and has these options set.

    Raises
    ------
    ValueError
        If HiGHS does not know an option or refuses its value.
    """
    highs = _QuietHighs()  # type: ignore[no-untyped-call]
    for name, value in {"threads": 1, "random_seed": 0, **options}.items():
        if highs.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            raise ValueError(f"{name} = {value!r}")
    return highs
