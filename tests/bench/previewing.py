"""How long `sincerely preview` takes: three campaigns with twenty people each, and all of the project's."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CAMPAIGNS = ("loyalty_reward", "onboarding", "win_back")
PEOPLE = 20


@dataclass(frozen=True)
class Previewed:
    """A gallery: what it holds, its size on disk, and how long the command took, start-up included."""

    campaigns: int
    messages: int
    page_bytes: int
    seconds: float


def measure(sincerely: str, environ: Mapping[str, str]) -> list[Previewed]:
    """On a home in which the main job ran."""
    return [_timed(sincerely, environ, CAMPAIGNS), _timed(sincerely, environ, ())]


def told(each: Previewed) -> str:
    """A line for people."""
    return (
        f"{'preview of ' + str(each.campaigns) + ' campaigns':<32} {each.messages:>12,} messages "
        f"{each.seconds:>8.2f} s, one page of {each.page_bytes / 2**20:.1f} MiB"
    )


def _timed(sincerely: str, environ: Mapping[str, str], campaigns: tuple[str, ...]) -> Previewed:
    command = [sincerely, "preview", *campaigns, "--people", str(PEOPLE), "--json"]
    started = time.perf_counter()
    done = subprocess.run(command, env=dict(environ), check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    facts = json.loads(done.stdout)
    return Previewed(
        campaigns=len(facts["campaigns"]),
        messages=sum(each["messages"] for each in facts["campaigns"]),
        page_bytes=Path(facts["preview"]).stat().st_size,
        seconds=seconds,
    )
