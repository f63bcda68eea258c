"""Values: cells of any kind made into text, words and numbers, whole columns at a time.

In:     a column as a file gave it (text, numbers, dates, categories).
Out:    the same column in one dtype; what cannot be read is missing ("", NaN), never guessed.
Method: what is written the usual way is read by whole columns; the rest value by value, each distinct one once. Columns
        of words that come again and again are categories (``as_words``): a function of them is worked out once a word.
"""

import contextlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gis_data.letters import ZERO, letters_of

Floats = NDArray[np.float64]

_PRIVATE = re.compile(r"(?<!\d)(1[3-9]\d{9}|\d{17}[\dx])(?!\d)", re.IGNORECASE)
_BLANK, _DELETE = ord(" "), 0x7F
# Any blank but a single space between words, and any control character: such cells are put right one by one.
_ODD_BLANKS = r"^ | $|  |[\p{Cc}\x{2028}\x{2029}]"
LONGEST_CODE = 40
_TOTAL = re.compile(r"(?:合|总|小|共|累)\s*计[:：]?|total", re.IGNORECASE)
FOOT = 10  # last rows of a sheet, among which the lines stand that are signed
_SIGNATURE = re.compile(
    r"(?:制表|填表|填报|统计|录入|审核|复核|审批|签发|经办|报送|主管|分管|单位负责|负责|值班|联系)"
    r"(?:人员|人|员|领导|签字|签名|单位|日期|时间)*\s*[:：]|(?:prepared|compiled|checked|approved|signed)(?: by)?\s*:",
    re.IGNORECASE,
)


def as_text(values: pd.Series) -> pd.Series:
    """Return cells as trimmed half-width text; whole numbers without a decimal point, missing as ""."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return as_written(as_words(values))
    if not is_text(values):
        return by_distinct(values, cell_text).astype("str")
    odd = _odd_rows(values)
    if not len(odd):
        return values.rename(None)
    codes, distinct = pd.factorize(values.iloc[odd], use_na_sentinel=False)
    if len(distinct) < len(odd) / 2:
        tidy = pd.Series([cell_text(value) for value in distinct], dtype="str").iloc[codes]
    else:
        tidy = _tidy(values.iloc[odd])
    if len(odd) == len(values):
        return tidy.set_axis(values.index)
    text = values.rename(None).astype("str")
    text.iloc[odd] = tidy.set_axis(values.index[odd])
    return text


def _tidy(texts: pd.Series) -> pd.Series:
    """Return texts of which few are alike as ``cell_text`` does."""
    column = pa.array(texts.to_numpy(dtype=object), type=pa.large_string(), from_pandas=True)
    column = pc.utf8_normalize(pc.fill_null(column, ""), form="NFKC")
    odd = pc.match_substring_regex(column, _ODD_BLANKS).to_numpy(zero_copy_only=False)
    text = pd.Series(column.to_numpy(zero_copy_only=False)).astype("str")
    return text.where(~odd, by_distinct(text[odd], cell_text).astype("str")) if odd.any() else text


def as_words(values: pd.Series) -> pd.Series:
    """Return cells as trimmed half-width text in categories: each distinct text once, "" always among them."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, distinct = values.cat.codes.to_numpy(), values.cat.categories
    else:
        codes, distinct = pd.factorize(as_text(values))
    return words_of(as_text(pd.Series(distinct, dtype=distinct.dtype)), codes, values.index)


def words_of(texts: Iterable[str], codes: NDArray[np.integer[Any]], index: pd.Index) -> pd.Series:
    """Return words from the place of each in a list of texts; -1 is ""."""
    number, distinct = pd.factorize(np.array([*texts, ""], dtype=object))
    number = number.astype(np.min_scalar_type(-len(distinct)))  # as narrow as pandas would make it
    categories = pd.Index(distinct, dtype="str")
    return pd.Series(pd.Categorical.from_codes(number[codes], categories=categories, validate=False), index=index)


def one_word(word: str, index: pd.Index) -> pd.Series:
    """Return the same word for every row."""
    return words_of([word], np.zeros(len(index), dtype=np.int8), index)


def as_written(words: pd.Series) -> pd.Series:
    """Return categories (or anything else) as the plain column that they stand for."""
    if not isinstance(words.dtype, pd.CategoricalDtype):
        return words
    column = words.cat.categories.array.take(words.cat.codes.to_numpy(), allow_fill=True)
    return pd.Series(column, index=words.index, name=words.name)


def recoded(words: pd.Series, function: Callable[[str], str]) -> pd.Series:
    """Return words for words."""
    return words_of(map(function, words.cat.categories), words.cat.codes.to_numpy(), words.index)


def flagged(words: pd.Series, function: Callable[[str], Any]) -> pd.Series:
    """Tell of which words something is true."""
    flags = np.array([bool(function(word)) for word in words.cat.categories])
    return pd.Series(flags[words.cat.codes.to_numpy()], index=words.index)


def first_filled(words: pd.Series, others: pd.Series) -> pd.Series:
    """Return words, those of another column where there are none."""
    texts, others_texts = words.cat.categories, others.cat.categories
    codes = np.where(words == "", others.cat.codes.to_numpy(dtype=np.int32) + len(texts), words.cat.codes)
    return words_of([*texts, *others_texts], codes, words.index)


def differ(words: pd.Series, others: pd.Series) -> pd.Series:
    """Tell in which rows two columns of words say different things."""
    place = words.cat.categories.get_indexer(others.cat.categories)
    return pd.Series(words.cat.codes.to_numpy() != place[others.cat.codes.to_numpy()], index=words.index)


def stacked(first: pd.Series, second: pd.Series) -> pd.Series:
    """Return the words of both columns, one under the other."""
    words, others = as_words(first), as_words(second)
    texts, more = words.cat.categories, others.cat.categories
    codes = np.concatenate([words.cat.codes, others.cat.codes.to_numpy(dtype=np.int32) + len(texts)])
    return words_of([*texts, *more], codes, pd.RangeIndex(len(codes)))


def with_word(words: pd.Series, where: Any, word: str) -> pd.Series:  # noqa: ANN401 - flags of any kind
    """Return words, another one in some rows."""
    texts = words.cat.categories
    return words_of([*texts, word], np.where(where, len(texts), words.cat.codes), words.index)


def is_text(values: pd.Series) -> bool:
    """Tell whether all cells that are not missing are texts."""
    if isinstance(values.dtype, pd.StringDtype):
        return True
    if isinstance(values.dtype, pd.CategoricalDtype):
        return False
    return pd.api.types.infer_dtype(values, skipna=True) == "string"


def is_total(values: pd.Series) -> pd.Series:
    """Tell which cells say that their row adds up the rows above."""
    return as_text(values).str.fullmatch(_TOTAL).astype(bool)


def is_signature(text: str) -> bool:
    """Tell whether a cell (``cell_text``) says who made, checked or sent the table."""
    return bool(_SIGNATURE.match(text))


def is_filled(values: pd.Series) -> pd.Series:
    """Tell which cells of a table's column hold anything."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return flagged(values, bool)
    return values.notna() if pd.api.types.is_datetime64_any_dtype(values.dtype) else values.notna() & (values != "")


def _odd_rows(values: pd.Series) -> NDArray[np.intp]:
    """Return the rows whose text may not be trimmed and half-width: not plain ASCII with single blanks inside."""
    found = letters_of(values)
    if found is None:
        return np.arange(len(values))
    letters, upto = found
    if not len(letters):
        return np.empty(0, dtype=np.intp)
    odd = letters - np.uint8(_BLANK) >= _DELETE - _BLANK  # wraps round below the blank
    blank = np.flatnonzero(letters == _BLANK)
    odd[blank[1:][np.diff(blank) == 1]] = True
    if len(blank):
        ends = np.zeros(len(letters), dtype=bool)
        filled = np.diff(upto) > 0
        ends[upto[:-1][filled]] = ends[upto[1:][filled] - 1] = True
        odd[blank[ends[blank]]] = True
    return np.unique(np.searchsorted(upto, np.flatnonzero(odd), side="right") - 1)


def as_number(values: pd.Series) -> pd.Series:
    """Return cells as floats; thousands separators and a unit behind the number are allowed."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.astype("float64")
    text = (
        as_text(values).str.replace(",", "", regex=False).str.extract(r"^(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)", expand=False)
    )
    return pd.to_numeric(text, errors="coerce").astype("float64")


def plain_numbers(values: pd.Series) -> Floats:
    """Return the numbers of cells that are numbers or written like -12.5; NaN for all others, however readable."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.to_numpy(dtype=float, copy=True)
    numbers = np.full(len(values), np.nan)
    found = letters_of(values)
    if found is None:
        return numbers
    letters, upto = found
    plain = np.diff(upto) > 0
    digit = letters - np.uint8(ZERO) <= 9  # wraps round below «0»
    other = np.flatnonzero(~digit & (letters != ord(".")) & (letters != ord("-")))
    plain[np.searchsorted(upto, other, side="right") - 1] = False
    with contextlib.suppress(pa.ArrowInvalid):  # a date, perhaps
        numbers[plain] = pc.cast(pa.array(values).filter(pa.array(plain)), pa.float64()).to_numpy()
    return numbers


def is_private(values: pd.Series) -> pd.Series:
    """Tell which texts hold a mobile number or an identity number."""
    return flagged(as_words(values), _PRIVATE.search)


def as_code(values: pd.Series) -> pd.Series:
    """Return coded text; free text (longer than any code) is blanked."""
    return as_written(recoded(as_words(values), code))


def code(text: str) -> str:
    """Return a text, or nothing if it is longer than any code."""
    return text if len(text) <= LONGEST_CODE else ""


def numbered(columns: Sequence[pd.Series]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return a number for each distinct row of several columns, and the position where each number first stands."""
    number, most = np.zeros(len(columns[0]), dtype=np.int64), 1
    for column in columns:
        codes, distinct = _numbers_of(column)
        if most * len(distinct) > np.iinfo(np.int64).max:
            number = pd.factorize(number)[0].astype(np.int64)
            most = len(number)
        number, most = number * len(distinct) + codes, most * len(distinct)
    number = pd.factorize(number)[0].astype(np.int64)
    return number, first_of(number)


def first_of(numbers: NDArray[np.integer[Any]]) -> NDArray[np.intp]:
    """Return where each number of ``pd.factorize`` stands first: they are numbered as they come, -1 is none."""
    return np.flatnonzero(np.diff(np.maximum.accumulate(numbers), prepend=-1))


def _numbers_of(column: pd.Series) -> tuple[Any, Any]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(dtype=np.int64), column.cat.categories
    return pd.factorize(column, use_na_sentinel=False)


def by_distinct(values: pd.Series, function: Callable[[Any], Any]) -> pd.Series:
    """Return a function's value for each cell, worked out once for each distinct cell."""
    codes, distinct = pd.factorize(values, use_na_sentinel=False)
    done = np.array([function(value) for value in distinct], dtype=object)
    return pd.Series(done[codes] if len(done) else done, index=values.index, dtype=object)


def cell_text(value: Any) -> str:  # noqa: ANN401 - any cell
    """Return one cell as trimmed half-width text."""
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float | np.floating):
        # Above 15 digits a spreadsheet has lost the rest: the exponent keeps anybody from taking it for a number.
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    if isinstance(value, datetime | date):
        return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    return " ".join(unicodedata.normalize("NFKC", str(value)).split())
