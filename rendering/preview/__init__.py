"""Messages as people look at them: what each shows, why, and a gallery of them that opens from disk."""
