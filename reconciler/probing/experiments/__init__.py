"""The questions that a probe asks, and how each is answered."""
