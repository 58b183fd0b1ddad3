"""The Inspect face: tasks, solver, scorers, and the model provider `sdf/`. Only `provider` imports torch."""
