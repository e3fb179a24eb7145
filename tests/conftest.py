"""What tests share: a small world that is landed as files, and a command line that runs for real."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.garbage import collect_rarely
from orchestration.locks import exclusive
from tests.browser import browser  # noqa: F401
from tests.servers import postgres_server, shop  # noqa: F401
from tests.world import write_world

ROOT = Path(__file__).resolve().parent.parent
AS_OF = "2017-12-31T00:00:00Z"
SECRET = "a-secret-for-tests-only"

collect_rarely()

Sincerely = Callable[..., subprocess.CompletedProcess[str]]


def run_sincerely(home: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own, on a home of its own."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("sincerely")), *arguments],
        env={**os.environ, "SINCERELY_HOME": str(home), "SINCERELY_SECRET": SECRET, **environ},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        cwd=ROOT,
    )


@pytest.fixture
def sincerely() -> Sincerely:
    return run_sincerely


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose landing zone holds a small shop; copy it before writing into it."""
    home = tmp_path_factory.mktemp("world")
    write_world(home / "landing")
    return home


@pytest.fixture(scope="session")
def built(world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A home in which the main job ran once over the small shop, and what it printed; all workers share it."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "built"
    shared.mkdir(exist_ok=True)
    home, printed = shared / "home", shared / "printed.json"
    with exclusive(shared / "lock", wait_seconds=900):
        if not printed.exists():
            shutil.copytree(world, home)
            done = run_sincerely(home, "run", "--as-of", AS_OF)
            printed.write_text(json.dumps([done.returncode, done.stdout, done.stderr]))
    return home, subprocess.CompletedProcess("sincerely run", *json.loads(printed.read_text()))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that both workers end together: what makes the home that all share, the demo beside it,
    then whatever needs that home."""
    first = [ROOT / "tests" / "end_to_end" / name for name in ("test_main_job.py", "test_demo.py")]
    needs = {item.path for item in items if "built" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: first.index(item.path) if item.path in first else 2 if item.path in needs else 3)
