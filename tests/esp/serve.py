"""A fake ESP as a process of its own: `python -m tests.esp.serve sendgrid --seconds 0.05`.

Its first line says where it listens. When its input ends it says how many messages it took, and how many twice.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from orchestration.delivery.processes import KEEPS_MEMORY
from tests.esp.sendgrid import sendgrid
from tests.esp.smtp import smtp


@dataclass
class Served:
    """A running fake, and in the end what it took."""

    url: str
    taken: int = 0
    taken_twice: int = 0


@contextmanager
def served(kind: str, seconds: float = 0.0) -> Iterator[Served]:
    """A fake in another process; its counts are there when the block has ended."""
    command = [sys.executable, "-m", "tests.esp.serve", kind, "--seconds", str(seconds)]
    environ = {**os.environ, **KEEPS_MEMORY}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ)
    assert process.stdin is not None and process.stdout is not None
    fake = Served(json.loads(process.stdout.readline())["url"])
    try:
        yield fake
    finally:
        process.stdin.close()
        counts = json.loads(process.stdout.readline())
        process.wait()
        fake.taken, fake.taken_twice = counts["taken"], counts["taken_twice"]


def _tell(url: str, accepted: Counter[str]) -> None:
    sys.stdout.write(json.dumps({"url": url}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    twice = sum(count > 1 for count in accepted.values())
    sys.stdout.write(json.dumps({"taken": len(accepted), "taken_twice": twice}) + "\n")


def main() -> None:
    """Serves until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("sendgrid", "smtp"))
    parser.add_argument("--seconds", type=float, default=0.0)
    arguments = parser.parse_args()
    if arguments.kind == "sendgrid":
        with sendgrid(arguments.seconds) as fake:
            fake.keeps_contents = False
            _tell(fake.url, fake.accepted)
    else:
        with smtp() as server:
            server.keeps_contents = False
            _tell(server.url(), server.accepted)


if __name__ == "__main__":
    main()
