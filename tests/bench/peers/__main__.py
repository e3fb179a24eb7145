"""Sincerely and its peers, one after another: the same campaign, the same people, a SendGrid that answers in 50 ms.

`python -m tests.bench.peers`. The peers are django-anymail and drt, in an environment of their own that is made anew.
They are given finished messages and neither plan, record nor recover; we render, record and hand over.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from rendering.payload import Payload
from tests.bench import sending
from tests.bench.rendering import batch
from tests.esp.serve import served

_HERE = Path(__file__).parent
_A_BATCH = 1_000
# A call a message takes 50 ms and more: of these few are enough.
_ONE_BY_ONE = 300


@dataclass(frozen=True)
class Rate:
    """How many messages a program handed over, and in how long."""

    program: str
    messages: int
    seconds: float

    def __str__(self) -> str:
        rate = self.messages / self.seconds
        return f"{self.program:<64} {self.messages:>9,} messages {self.seconds:>8.1f} s {rate:>9,.0f} messages/s"


def measure(messages: int) -> Iterator[Rate]:
    """A rate for each program and form of request, ours first and last."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        python = _environment(home / "environment")
        _write(home, messages)
        for form, words in sending.FORMS.items():
            ours = sending.measured(messages, form=form)
            yield Rate(f"Sincerely, {words}", messages, ours.seconds)
        for program, count, arguments in (
            ("django-anymail, merge data, 1,000 a call", messages, ["with_anymail.py", "many.jsonl", "merge"]),
            ("django-anymail, a message a call", _ONE_BY_ONE, ["with_anymail.py", "few.jsonl", "single"]),
            ("drt, plain text, a message a call", _ONE_BY_ONE, ["with_drt.py", "few.duckdb"]),
        ):
            yield _rate(program, count, python, home, arguments)


def _environment(folder: Path) -> Path:
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    requirements = str(_HERE / "requirements.txt")
    subprocess.run([python, "-m", "pip", "install", "-qq", "--requirement", requirements], check=True)
    return python


def _write(home: Path, messages: int) -> None:
    """The same messages for the peers: as lines of JSON, and the first of them as a table."""
    rendering = sending.renderer("merge_data")
    with (home / "many.jsonl").open("w", encoding="utf-8") as many:
        for first in range(0, messages, _A_BATCH):
            for each in rendering.render(batch(first, min(_A_BATCH, messages - first))):
                assert isinstance(each, Payload)
                many.write(json.dumps({**_addressed(each), "data": json.loads(each.data or b"{}")}) + "\n")
    finished = [each for each in sending.renderer().render(batch(0, _ONE_BY_ONE)) if isinstance(each, Payload)]
    few = [{**_addressed(each), "subject": each.subject, "text": each.text, "html": each.html} for each in finished]
    (home / "few.jsonl").write_text("".join(json.dumps(each) + "\n" for each in few), encoding="utf-8")
    with duckdb.connect(str(home / "few.duckdb")) as connection:
        connection.register("few", pa.Table.from_pylist(few).select(["email", "subject", "text"]))
        connection.execute("create table messages as from few")


def _addressed(payload: Payload) -> dict[str, Any]:
    return {
        "message_id": payload.message_id,
        "email": payload.to_email,
        "from_email": payload.from_email,
        "headers": dict(payload.headers),
    }


def _rate(program: str, count: int, python: Path, home: Path, arguments: list[str]) -> Rate:
    script, data, *more = arguments
    with served("sendgrid", sending.ANSWER_SECONDS) as fake:
        command = [str(python), str(_HERE / script), fake.url, str(home / data), *more]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert fake.taken == count, fake
    return Rate(program, **json.loads(done.stdout))


def main() -> None:
    """Prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    for rate in measure(parser.parse_args().messages):
        print(rate, flush=True)


if __name__ == "__main__":
    sys.exit(main())
