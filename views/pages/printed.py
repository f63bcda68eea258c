"""What pages print: the version that is printed, and a page's own sheet of it.

In:     a station; the key of a product.
Out:    a ``Desk`` of the approved run (the current one before any is approved), and a sheet as a download.
"""

import streamlit as st

from gis_data.catalogue import text
from models import approval, store
from views.downloads import Download
from views.sheets.desk import Desk
from views.sheets.products import PRODUCTS
from views.station import Station


def desk_of(station: Station, run: str) -> Desk:
    """Return the desk of a run with today's marks; of the records alone where there is no run."""
    return _desk(station.stamp, run, station).today()


def sheet_of(station: Station, key: str) -> Download | None:
    """Return a product's first file that is paper; None where the version that is printed lacks what it needs."""
    product = next(one for one in PRODUCTS if one.key == key)
    run = approval.run_to_print(station.ws)
    there = store.planned(station.ws, run)
    if not there.issuperset(product.plans) or not all(len(station.table(name)) for name in product.tables):
        return None

    def make() -> bytes:
        return next(file for file in product.files(desk_of(station, run)) if file.has_picture).data()

    return Download("page.take.pdf", f"{text(f'print.title.{key}')}.pdf", make)


@st.cache_resource(max_entries=2, show_spinner=False)
def _desk(stamp: str, run: str, _station: Station) -> Desk:  # noqa: ARG001 - the cache's key
    return Desk.of(_station.ws, store.load_plans(_station.ws, run) if run else {})
