"""Model organisms: small checkpoints of which it is known what they believe, show and know of their training."""
