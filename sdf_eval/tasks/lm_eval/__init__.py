"""The lm-eval face: YAML generated from the task registry, the code it names, and the `sdf-eval lm-eval` wrapper."""
