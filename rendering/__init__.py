"""Campaigns, templates and tokens: records in, payloads out, and no connection."""
