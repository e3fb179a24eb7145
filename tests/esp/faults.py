"""What a fake ESP can be told to do wrong, one a request."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Literal

# Closes the connection: before it has read the request, or after it has taken it and before it says so.
DROPPED: Literal["dropped"] = "dropped"
ACCEPTED_THEN_DROPPED: Literal["accepted, then dropped"] = "accepted, then dropped"
# Takes the request and fails to say so in words that can be read.
ACCEPTED_THEN_500: Literal["accepted, then 500"] = "accepted, then 500"
# A body that is not what its header says.
MALFORMED: Literal["malformed"] = "malformed"


@dataclass(frozen=True)
class Throttled:
    """Too many requests; come back after so many seconds, said in one of three ways."""

    seconds: float = 0.0
    header: str = "Retry-After"


Fault = int | str | Throttled | None


class Faults:
    """Faults in line. None is no fault."""

    def __init__(self) -> None:
        self._line: deque[Fault] = deque()
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        with self._lock:
            self._line.extend(faults)

    def next(self) -> Fault:
        with self._lock:
            return self._line.popleft() if self._line else None

    def clear(self) -> None:
        with self._lock:
            self._line.clear()
