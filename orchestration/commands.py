"""What the groups of commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from orchestration.settings import Settings
    from orchestration.warehouse import Warehouse

# How the command line makes a command: its name, examples and group, and then its function.
Command = Callable[[str, str, click.Group], Callable[[Callable[..., Any]], click.Command]]
JSON = click.option("--json", "as_json", is_flag=True, help="Give the facts to a program.")


def warehouse_of(settings: Settings) -> Warehouse:
    """The home's warehouse; imported here, for commands that need none are quicker without it."""
    from orchestration.warehouse import Warehouse

    return Warehouse(settings.warehouse, settings.memory_limit)
