"""The editing map: one Leaflet map that answers to clicks, one history of edits, nothing written until it is kept."""
