"""Behind explanation and replay: why a decision is what it is, and that it is still the same."""
