"""Cameras: which villages, which sites, what each one sees, and the cheapest plan that covers most."""
