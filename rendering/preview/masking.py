"""Whom a page speaks of, without the means to write to them."""

from __future__ import annotations

from rendering.tokens import clean


def masked(address: str) -> str:
    """`anna.b@example.com` as `a…@example.com`: enough to tell two people apart, too little to write to one."""
    name, _, domain = clean(address).rpartition("@")
    return f"{name[:1]}…@{domain}"
