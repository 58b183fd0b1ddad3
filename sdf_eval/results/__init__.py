"""What was measured, as data: one typed schema, its files, and readers of what the harnesses wrote."""
