"""What people said between the last build and the handing over: it counts at once, and not from the next refresh on."""
