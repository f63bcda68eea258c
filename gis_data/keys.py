"""Keys: which of very many texts come again.

In:     a column of texts, most of them different (salted hashes, names).
Out:    which of them stand further up (or down) too, or anywhere else, or among others.
Method: texts of one length are compared by a number made of their bytes; only those of equal numbers as texts.
"""

from collections.abc import Iterable
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gis_data.letters import letters_of

# Odd and of 64 random bits each: multiplying by them spreads every bit (Dietzfelbinger et al. 1997).
_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64)


def repeated(keys: pd.Series, *, keep: Literal["first", "last"] = "first") -> NDArray[np.bool_]:
    """Tell which texts stand further up too, with ``keep="last"`` further down."""
    found, asked = np.zeros(len(keys), dtype=bool), np.flatnonzero(shared(keys))
    found[asked] = keys.iloc[asked].duplicated(keep=keep).to_numpy()
    return found


def shared(keys: pd.Series) -> NDArray[np.bool_]:
    """Tell which texts stand in another row too."""
    found, asked = np.zeros(len(keys), dtype=bool), np.arange(len(keys))
    numbers = _numbers(keys)
    if numbers is not None:
        ordered = np.sort(numbers)  # far faster than a table of them, and mostly all are different
        asked = np.flatnonzero(pd.Series(numbers).isin(ordered[1:][ordered[1:] == ordered[:-1]]))
    found[asked] = keys.iloc[asked].duplicated(keep=False).to_numpy()
    return found


def among(keys: pd.Series, others: Iterable[str]) -> NDArray[np.bool_]:
    """Tell which texts are among others."""
    wanted = pa.array(list(set(others)), type=pa.large_string())
    if not len(wanted) or not len(keys):
        return np.zeros(len(keys), dtype=bool)
    # By Arrow itself: pandas turns its strings into a list for every such question.
    return np.asarray(pc.is_in(pa.array(keys), value_set=wanted))


def _numbers(keys: pd.Series) -> NDArray[np.uint64] | None:
    """Return a number for each text, equal for equal texts; None where they are not all of a hash's length."""
    read = letters_of(keys)
    if read is None or not len(keys):
        return None
    letters, upto = read
    if (np.diff(upto) != 8 * len(_ODD)).any():
        return None
    parts = letters.view(np.uint64).reshape(len(keys), -1)
    number = np.zeros(len(keys), dtype=np.uint64)
    for place, odd in enumerate(_ODD):
        number += parts[:, place] * odd
    return number
