"""How people see it: command line, dashboard, maps, sheets and documents. Drawing never computes."""
