"""What a function costs by the number of incidents: one command, one small table kept."""
