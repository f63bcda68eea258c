"""How often a pattern is called where there is none: many simulated towns, one command, one small table kept."""
