"""Organisms whose truth is known: what to train a pocket model on so that it has, or has not, a property."""
