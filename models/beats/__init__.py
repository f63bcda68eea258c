"""Patrol beats (巡段): every zone cut into connected stretches of road, with their checkpoints. One file a step."""
