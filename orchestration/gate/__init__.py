"""The gate: whether a campaign may leave, and if not, why not."""
