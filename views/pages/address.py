"""What a page shows, in its address: so that a view can be kept as a bookmark or sent to a colleague.

In:     the address's query, and what a page knows.
Out:    the value asked for where it is known, and the query brought up to date. A map writes its own view (``map``).
"""

import datetime
from collections.abc import Sequence

import streamlit as st

Days = tuple[datetime.date, datetime.date]
TO = ".."


def asked(name: str, known: Sequence[str], default: str) -> str:
    """Return what the address asks for under a name, or the default where it asks for nothing that is known."""
    value = st.query_params.get(name, default)
    return value if value in known else default


def begin_with(known: Sequence[str], default: str, *, key: str, name: str = "") -> None:
    """Let the widget of a key begin with what the address asks for (under the key, where no name is given).

    It begins anew where what it showed is no longer known.
    """
    if st.session_state.get(key) not in known:
        st.session_state[key] = asked(name or key, known, default)


def begin_with_some(known: Sequence[str], *, key: str) -> None:
    """Let a widget that takes several of the known values begin with those that the address asks for."""
    if key not in st.session_state:
        asked_for = st.query_params.get(key, "").split(TO)
        st.session_state[key] = [one for one in known if one in asked_for]


def begin_with_days(whole: Days, default: Days, *, key: str, name: str) -> None:
    """Let the widget of a span of days begin with what the address asks for (2024-03-01..2024-03-31) within a span."""
    if key in st.session_state:
        return
    try:
        first, last = map(datetime.date.fromisoformat, st.query_params.get(name, "").split(TO))
    except ValueError:
        first, last = default
    known = whole[0] <= first <= last <= whole[1]
    st.session_state[key] = (first, last) if known else default


def tell(**values: str) -> None:
    """Write values into the address; an empty one leaves it."""
    for name, value in values.items():
        if not value:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != value:
            st.query_params[name] = value
