"""The embedded ESP: real messages as files, with pages to browse them by."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from email import message_from_binary_file
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from orchestration.delivery.esp.base import Answer, Limits
from orchestration.delivery.stored import Stored
from orchestration.errors import storage_error
from rendering.campaign import Campaign
from rendering.eml import to_eml

_PAGES = Path(__file__).parent / "pages"


class FolderEsp:
    """Writes `<folder>/<campaign>/<occurrence>/<message_id>.eml`, the message's page beside it, and indexes.

    A file appears whole or not at all, and under its message's id: handing over twice changes nothing.
    """

    name = "folder"
    is_idempotent = True
    fills_templates = False
    limits = Limits(messages=500, connections=1)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._touched: set[Path] = set()

    def size_of(self, message: Stored) -> int:
        """Its content's bytes; files have no limit."""
        return len(message.content)

    def hand_over(self, messages: Sequence[Stored], sent_at: datetime) -> Answer:
        """Writes each message's file; StorageError when the disk does not take one."""
        try:
            for payload in (message.payload for message in messages):
                target = self._folder / payload.campaign / payload.occurrence
                target.mkdir(parents=True, exist_ok=True)
                self._touched.add(target)
                _write(target / f"{payload.message_id}.eml", to_eml(payload, sent_at))
                _write(target / f"{payload.message_id}.html", payload.html.encode())
        except OSError as error:
            raise storage_error(error, self._folder) from error
        return Answer()

    def finish(self) -> None:
        """Writes the index of each occurrence that got messages, and the one above them."""
        pages = Environment(loader=FileSystemLoader(_PAGES), autoescape=True)
        try:
            for target in sorted(self._touched):
                page = pages.get_template("occurrence.html.j2").render(
                    campaign=target.parent.name, occurrence=target.name, messages=list(_messages(target))
                )
                _write(target / "index.html", page.encode())
            if self._folder.is_dir():
                occurrences = [
                    (each.parent.parent.name, each.parent.name, len(list(each.parent.glob("*.eml"))))
                    for each in sorted(self._folder.glob("*/*/index.html"))
                ]
                has_preview = (self._folder.parent / "preview" / "index.html").exists()
                page = pages.get_template("index.html.j2").render(occurrences=occurrences, has_preview=has_preview)
                _write(self._folder / "index.html", page.encode())
        except OSError as error:
            raise storage_error(error, self._folder) from error

    def look_up(self, requests: Sequence[Sequence[str]]) -> Mapping[str, bool]:
        """Nothing: what is given to it again changes nothing, so nothing stays unknown."""
        return {}

    def refuses(self, campaign: Campaign) -> list[str]:
        """Nothing: a file takes whatever is rendered."""
        return []


def _messages(folder: Path) -> Iterator[dict[str, str]]:
    for path in sorted(folder.glob("*.eml")):
        with path.open("rb") as file:
            message = message_from_binary_file(file)
        yield {"id": path.stem, "to": _header(message, "To"), "subject": _header(message, "Subject")}


def _header(message: Message, name: str) -> str:
    return str(make_header(decode_header(message.get(name, ""))))


def _write(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
