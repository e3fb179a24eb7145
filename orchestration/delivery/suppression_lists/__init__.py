"""Suppression lists, kept alike here and at SendGrid: what either side knows, the other learns."""
