"""Drafts a belief file from one sentence, for a person to review."""
