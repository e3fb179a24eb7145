"""What goes wrong on a user's machine ends in one clear line, a status that says so, and nothing lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import AS_OF, Sincerely


@pytest.fixture
def home(world: Path, tmp_path: Path) -> Path:
    home = tmp_path / "home"
    shutil.copytree(world, home)
    return home


def test_a_refused_file_is_named_the_others_are_landed_and_the_status_says_so(home: Path, sincerely: Sincerely) -> None:
    contacts = home / "landing" / "crm" / "contacts"
    (contacts / "empty.csv").write_text("")
    (contacts / "header.csv").write_text("id,mail\n1,2\n")
    (contacts / "latin.csv").write_bytes("contact_id,email,signed_up_at,größe\n".encode("latin-1"))
    (home / "landing" / "crm" / "contact").mkdir()
    done = sincerely(home, "land", "--as-of", AS_OF)
    assert done.returncode == 1
    for words in ("empty.csv is empty", "header.csv lacks the required column", "latin.csv", "crm/contact is no known"):
        assert words in done.stdout, done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    status = sincerely(home, "status").stdout
    assert "empty.csv is empty" in status


def test_a_home_that_cannot_be_made_ends_in_one_line(tmp_path: Path, sincerely: Sincerely) -> None:
    (tmp_path / "file").write_text("")
    done = sincerely(tmp_path / "file" / "home", "run")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "SINCERELY_HOME" in line


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
@pytest.mark.parametrize(
    ("options", "command", "words"),
    [
        ("size=300k", "demo", "the disk is full"),
        ("size=9m", "run", "the disk is full"),
        ("ro", "status", "read-only"),
    ],
)
def test_a_full_or_read_only_home_ends_in_plain_words(
    options: str, command: str, words: str, tmp_path: Path, sincerely: Sincerely
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine does not allow mounts")
    try:
        done = sincerely(small, command)
        assert done.returncode == 1
        assert "Traceback" not in done.stdout + done.stderr
        assert words in done.stdout + done.stderr, done.stdout + done.stderr
        if command == "run":  # with room, the landing holds, even over a home without any file
            subprocess.run(["mount", "-o", "remount,size=500m", str(small)], check=True)
            done = sincerely(small, "land", "--as-of", AS_OF)
            assert done.returncode == 0, done.stdout + done.stderr
            assert "Traceback" not in done.stdout + done.stderr
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_a_damaged_warehouse_is_named_with_the_remedy(home: Path, sincerely: Sincerely) -> None:
    (home / "warehouse.duckdb").write_bytes(b"this is no database" * 1000)
    done = sincerely(home, "run", "--as-of", AS_OF)
    assert done.returncode == 1
    assert "warehouse.duckdb" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_bad_time_is_named_with_an_example(home: Path, sincerely: Sincerely) -> None:
    done = sincerely(home, "run", "--as-of", "yesterday")
    assert done.returncode == 1
    assert "2018-01-01T00:00:00Z" in done.stderr


def test_debug_shows_where_an_error_comes_from(tmp_path: Path, sincerely: Sincerely) -> None:
    (tmp_path / "sincerely.toml").write_text("as_of = 'never'\n")
    assert "Traceback" not in sincerely(tmp_path, "status").stderr
    assert "Traceback" in sincerely(tmp_path, "--debug", "status").stderr


def test_help_shows_examples_for_every_command(tmp_path: Path, sincerely: Sincerely) -> None:
    listed = sincerely(tmp_path, "--help").stdout
    for command in ("demo", "run", "land", "build", "train", "send", "lint", "report", "why", "status", "doctor"):
        assert command in listed
        assert f"sincerely {command}" in sincerely(tmp_path, command, "--help").stdout
