"""The dashboard's pages: one file a page, each with a ``show(station)``. A page lays out; it computes nothing."""
