"""What to do: each file is one question, its answer a frozen plan."""
