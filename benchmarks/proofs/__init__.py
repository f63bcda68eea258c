"""What is proven of plans, case by case, in tables that are kept."""
