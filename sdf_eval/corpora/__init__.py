"""Documents: written, checked, mixed."""
