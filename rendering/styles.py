"""Declarations of CSS, as they stand in an attribute `style` or in a rule."""

from __future__ import annotations


def declarations(style: str) -> dict[str, str]:
    """Property to value, both without the blanks around them; of one that is declared twice the last."""
    pairs = (each.partition(":") for each in style.split(";") if each.strip())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def written(declared: dict[str, str]) -> str:
    """The attribute `style` for what is declared; nothing for nothing."""
    return f' style="{";".join(f"{name}:{value}" for name, value in declared.items())}"' if declared else ""
