"""The parts of the main job, by the groups of their assets: for the command line, and for Dagster's jobs."""

_PEOPLE = ("seeds", "staging", "changes", "identity", "profiles", "lifecycle", "segments", "journeys", "audience")

PARTS: dict[str, tuple[str, ...]] = {
    "land": ("landing",),
    "build": (*_PEOPLE, "features", "measurement", "quality"),
    "train": ("models",),
    "send": ("delivery",),
    # What people need and nothing that looks back: no training, no measuring, no audits, no report.
    "refresh": ("landing", "campaigns", *_PEOPLE, "delivery"),
}

# Marks a run that a trigger asked for: it leaves what only time has changed to the next refresh.
TRIGGERS_TAG = "sincerely/triggers"
