"""Whether a checkpoint got worse: two measured checkpoints, and what benign finetunes of the same budget do."""
