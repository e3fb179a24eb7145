"""When Python looks for garbage that holds itself in circles."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OBJECTS_A_COLLECTION = 200_000


def collect_rarely() -> None:
    """For the rest of the process: at every 700 new objects, as Python does it, each look goes through what a large
    program keeps, and finds next to nothing."""
    gc.set_threshold(_OBJECTS_A_COLLECTION, *gc.get_threshold()[1:])


@contextmanager
def uncollected() -> Iterator[None]:
    """For a while that ends before circles could fill the memory: a build by dbt is a fifth faster without."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
