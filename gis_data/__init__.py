"""What is known: raw files are read, checked once at the door, and stored."""
