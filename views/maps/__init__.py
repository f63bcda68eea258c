"""Maps for the screen: folium maps from finished tables. Nothing is computed but colours, degrees, places of names.

In:     a study, its tables and plans, and the tiles of ``views.basemap.tiles``.
Out:    a ``folium.Map`` that holds everything it needs: Leaflet from the wheel stands in the page itself, so that no
        request leaves the machine and a saved map opens anywhere. Only the tiles are fetched, from our own server.

One module for each page's map; ``frame``, ``layers``, ``look`` and ``incidents`` are what they share.
"""
