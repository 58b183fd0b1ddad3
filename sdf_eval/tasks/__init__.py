"""Probe tasks: rendered, scored and registered once, with a direct, an Inspect and an lm-eval face."""
