"""Experiments: what they need before they start, and what they came to."""
