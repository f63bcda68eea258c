"""The base map: its look, its names, its drawing, and the tiles cut from it."""
