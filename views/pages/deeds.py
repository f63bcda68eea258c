"""Buttons that do something: to whom may not do it they are at rest, and whom to ask stands below."""

from typing import Any

import streamlit as st

from gis_data.acting import Deed, may
from gis_data.catalogue import text


def deed_button(label: str, *, deed: Deed = "change", in_form: bool = False, **looks: Any) -> bool:  # noqa: ANN401
    """Return whether a button was pressed; ``looks`` as Streamlit's button takes them."""
    allowed = may(deed)
    if not allowed:
        looks |= {"disabled": True, "help": text(f"error.access.{deed}")}
    pressed = st.form_submit_button(label, **looks) if in_form else st.button(label, **looks)
    if not allowed:
        st.caption(text(f"page.deed.{deed}"))  # a tablet shows no tips
    return pressed and allowed  # a browser can be made to press what is at rest
