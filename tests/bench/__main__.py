"""`make bench`: the main job on the demo, step by step; the preview, rendering, planning, sending, landing, identity,
matching, recommendations, refreshes and churn alone, as they grow; appended to var/bench.jsonl.

Each figure is a wall-clock time of this machine as it is now: compare ratios taken in one run.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import churning, identity, landing, matching, planning, previewing, recommending, refreshing, sending
from tests.bench.rendering import messages_per_second

_SINCERELY = str(Path(sys.executable).with_name("sincerely"))
# `python -m tests.bench.sending` hands over a million.
_SENT = 100_000


def main() -> None:
    """Prints a line per step and appends all of them to a file."""
    kept = Path(os.environ.get("SINCERELY_HOME") or "var").absolute() / "bench.jsonl"
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environ = {**os.environ, "SINCERELY_HOME": str(home)}
        subprocess.run([_SINCERELY, "demo"], env=environ, check=True, stdout=subprocess.DEVNULL)
        done = subprocess.run([_SINCERELY, "run", "--json"], env=environ, check=True, capture_output=True, text=True)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        previews = previewing.measure(_SINCERELY, environ)
    steps = json.loads(done.stdout)["steps"]
    for step in steps:
        speed = step["rows"] / step["seconds"] if step["seconds"] else 0
        print(f"{step['step']:<32} {step['rows']:>12,} rows {step['seconds']:>8.2f} s {speed:>14,.0f} rows/s")
    total = sum(step["seconds"] for step in steps)
    rate = messages_per_second()
    print(f"{'the main job':<32} {total:>26.1f} s, largest process {peak:.2f} GiB")
    print(f"{'rendering alone, one process':<32} {rate:>17,.0f} messages/s")
    print("\n".join(previewing.told(each) for each in previews))
    sent = sending.measured(_SENT)
    print(sending.told(sent))
    print(f"{'sending by SMTP':<32} {(smtp_rate := sending.smtp_per_second()):>17,.0f} messages/s")
    landings, people = landing.measure(), identity.measure()
    for each in landings:
        print(
            f"{'landing ' + each.kind:<32} {each.rows:>12,} rows {each.seconds:>8.2f} s "
            f"{each.rows_per_second:>14,.0f} rows/s, {each.peak_gib:.2f} GiB"
        )
    for found in people:
        print(
            f"{'identifiers to people':<32} {found.identifiers:>12,} with {found.edges:,} edges: "
            f"{found.seconds:.1f} s, {found.peak_gib:.2f} GiB"
        )
    matches = [matching.measured(people) for people in matching.SIZES]
    for match in matches:
        print(
            f"{'matching ' + format(match['contacts'], ',') + ' contacts':<32} {match['seconds']:>26.1f} s, "
            f"{match['peak_gib']:.2f} GiB; merges: precision {match['merge_precision']:.4f}, "
            f"recall {match['merge_recall']:.4f}; with reviews: {match['review_precision']:.4f}, "
            f"{match['review_recall']:.4f}"
        )
    planned = [planning.measured(case) for case in planning.CASES]
    print("\n".join(planning.told(each) for each in planned))
    recommended = [recommending.measured(people) for people in recommending.SIZES]
    print("\n".join(recommending.told(facts) for facts in recommended))
    churned: list[churning.Churned] = []
    refreshes = refreshing.measure(
        tell=lambda each: print(refreshing.told(each)),
        afterwards=lambda settings: churned.append(churning.measured(settings)),
    )
    print("\n".join(churning.told(each) for each in churned))
    print("\n".join(refreshing.ratios(refreshes)))
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.open("a", encoding="utf-8") as file:
        facts = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "seconds": round(total, 2),
            "peak_gib": round(peak, 3),
            "messages_per_second": round(rate),
            "sending": {**asdict(sent), "per_second": round(sent.per_second), "smtp_per_second": round(smtp_rate)},
            "previews": [asdict(each) for each in previews],
            "matching": matches,
            "planning": [asdict(each) for each in planned],
            "recommending": recommended,
            "churning": [asdict(each) for each in churned],
            "steps": steps,
            "landing": [asdict(each) for each in landings],
            "identity": [asdict(each) for each in people],
            "refreshes": [asdict(each) for each in refreshes],
        }
        file.write(json.dumps(facts) + "\n")
    print(f"appended to {kept}")


if __name__ == "__main__":
    main()
