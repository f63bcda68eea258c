"""Buttons that do something: to whom may not do it they show at rest, with the reason and whom to ask."""

from typing import Any

import streamlit as st

from gis_data.acting import Deed, may
from gis_data.catalogue import text


def deed_button(label: str, *, deed: Deed = "change", in_form: bool = False, **looks: Any) -> bool:  # noqa: ANN401
    """Return whether a button was pressed; ``looks`` as Streamlit's button takes them."""
    if not may(deed):
        looks |= {"disabled": True, "help": text(f"error.access.{deed}")}
    return st.form_submit_button(label, **looks) if in_form else st.button(label, **looks)
