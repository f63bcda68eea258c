"""What happened: patterns, as pure functions of tables. No files, no plots."""
