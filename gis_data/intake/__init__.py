"""Raw files become accepted rows, rows set aside with a reason, and refused files."""
