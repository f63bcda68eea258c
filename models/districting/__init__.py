"""Districting: a graph of units cut into contiguous, balanced zones, with a proof of how good the cut is."""
