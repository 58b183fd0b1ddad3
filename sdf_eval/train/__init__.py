"""Stages of finetuning: recipes, masks and packing, lineage."""
