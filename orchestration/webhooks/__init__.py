"""Webhooks out: who enters or leaves a segment is pushed to the URLs that `webhooks.toml` names."""
