"""A table of a TOML file that is read key by key, and says where it stands when something is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from orchestration.errors import SettingsError

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Section:
    """Keys are taken one by one; `done` refuses those that nobody took."""

    def __init__(self, place: str, values: Mapping[str, Any]) -> None:
        self.place = place
        self._values = values
        self._known: list[str] = []

    def error(self, what: str, remedy: str) -> SettingsError:
        """A sentence that names the place, what is wrong there, and what to write."""
        return SettingsError(f"{self.place} {what}; {remedy}.")

    def has(self, name: str) -> bool:
        self._know(name)
        return name in self._values

    def is_text(self, name: str) -> bool:
        return isinstance(self._values.get(name), str)

    def anything(self, name: str) -> Any:
        self._know(name)
        return self._values.get(name)

    def text(self, name: str, default: str | None = None, *, example: str = "") -> str:
        value = self._typed(name, str, "a text", default, example)
        return str(value)

    def number(self, name: str, default: float) -> float:
        value = self._typed(name, (int, float), "a number", default)
        if isinstance(value, bool):
            raise self.error(f"{name} is no number", "write it without quotes")
        return float(value)

    def flag(self, name: str) -> bool:
        return bool(self._typed(name, bool, "true or false", False))

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, example=choices[0])
        if value not in choices:
            raise self.error(f"{name} is '{value}'", f"use one of {', '.join(choices)}")
        return value

    def variable(self, name: str, example: str) -> str:
        """The name of an environment variable: secrets stand nowhere else."""
        value = self.text(name, example=example)
        if not _VARIABLE.fullmatch(value):
            # The value is not repeated: it may be the secret itself.
            raise self.error(
                f"{name} is no name of an environment variable",
                f'put the secret into a variable and write {name} = "{example}"',
            )
        return value

    def table(self, name: str) -> Mapping[str, Any]:
        value = self._typed(name, dict, "a table", {})
        assert isinstance(value, dict)
        return value

    def texts(self, name: str) -> Mapping[str, str]:
        values = self.table(name)
        for key, value in values.items():
            if not isinstance(value, str):
                raise self.error(f"{name}.{key} is no text", f'write {name} = {{{key} = "..."}}')
        return values

    def section(self, name: str) -> Section:
        return Section(f"{self.place} {name}", self.table(name))

    def sections(self, name: str) -> list[Section]:
        """The entries of a list of tables; at least one."""
        values = self._typed(name, list, "a list of tables", [])
        assert isinstance(values, list)
        if not values:
            raise self.error(f"has no {name}", f"add one below it: [[{self.place.partition('[')[2][:-1]}.{name}]]")
        return [Section(f"{self.place} {name} {number}", value) for number, value in enumerate(values, 1)]

    def done(self) -> None:
        unknown = sorted(set(self._values) - set(self._known))
        if unknown:
            raise self.error(f"has the unknown key '{unknown[0]}'", f"use {', '.join(self._known)}")

    def _know(self, name: str) -> None:
        if name not in self._known:
            self._known.append(name)

    def _typed(
        self, name: str, kind: type | tuple[type, ...], words: str, default: object | None, example: str = ""
    ) -> Any:
        self._know(name)
        if name not in self._values:
            if default is None:
                raise self.error(f"lacks {name}", f'write {name} = "{example}"')
            return default
        value = self._values[name]
        if not isinstance(value, kind):
            raise self.error(f"{name} is not {words}", "correct its value")
        return value
