"""The folder, by the cases that all adapters keep."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from orchestration.delivery.esp.base import Esp
from orchestration.delivery.esp.folder import FolderEsp
from orchestration.delivery.outbox import Outbox
from tests.esp.cases import AdapterCases, outbox

__all__ = ["outbox"]


class TestFolder(AdapterCases):
    @pytest.fixture
    def esp(self, tmp_path: Path) -> Esp:
        self.folder = tmp_path / "mail"
        return FolderEsp(self.folder)

    def taken(self) -> Counter[str]:
        return Counter(path.stem for path in self.folder.rglob("*.eml"))

    def test_a_refused_message_is_rejected_alone(self, outbox: Outbox, esp: Esp) -> None:
        """A folder refuses nothing."""
