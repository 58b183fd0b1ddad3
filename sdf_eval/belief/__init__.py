"""Belief files, and the questions that are made of them."""
