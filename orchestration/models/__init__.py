"""The models' versions: which one is in use, why, and what became of what they forecast."""
