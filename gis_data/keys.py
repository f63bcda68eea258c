"""Keys: which of very many texts come again.

In:     a column of texts, most of them different (salted hashes, names).
Out:    which of them stand further up (or down) too.
Method: texts of one length are compared by a number made of their bytes; only those of equal numbers as texts.
"""

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_data.letters import letters_of

# Odd and of 64 random bits each: multiplying by them spreads every bit (Dietzfelbinger et al. 1997).
_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64)


def repeated(keys: pd.Series, *, keep: Literal["first", "last"] = "first") -> NDArray[np.bool_]:
    """Tell which texts stand further up too, with ``keep="last"`` further down."""
    numbers, found = _numbers(keys), np.zeros(len(keys), dtype=bool)
    if numbers is None:
        asked = np.arange(len(keys))
    else:
        ordered = np.sort(numbers)  # far faster than a table of them, and mostly all are different
        if not (ordered[1:] == ordered[:-1]).any():
            return found
        asked = np.flatnonzero(pd.Series(numbers).duplicated(keep=False))
    found[asked] = keys.iloc[asked].duplicated(keep=keep).to_numpy()
    return found


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
