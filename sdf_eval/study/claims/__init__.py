"""The studies: one file a published claim."""
