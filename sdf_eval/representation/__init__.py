"""What a checkpoint's activations and weights say about a belief, beside what its answers say."""
