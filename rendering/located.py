"""YAML whose every value knows its file and line."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rendering.errors import CampaignError

# What a whole file is called; its fields go by their names alone.
_ROOTS = ("campaign", "journey", "policy")


@dataclass(frozen=True)
class Located:
    """A value of a YAML file and where it stands."""

    file: Path
    node: yaml.Node
    name: str

    @property
    def line(self) -> int:
        return self.node.start_mark.line + 1

    def error(self, message: str) -> CampaignError:
        """An error that points at this value."""
        return CampaignError(self.file, self.line, f"{self.name}: {message}")

    def value(self) -> Any:
        """The plain Python value: text, number, date, boolean, None, list or dict."""
        try:
            return yaml.constructor.SafeConstructor().construct_document(self.node)
        except yaml.YAMLError as error:
            raise self.error(f"cannot be read ({error}).") from error

    def text(self) -> str:
        """A text that is not empty; lines are joined by spaces."""
        value = self.value()
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"expected a text that is not empty, found {value!r}; quote it if it is one.")
        return " ".join(value.split())

    def choice(self, options: tuple[str, ...]) -> str:
        """One of `options`."""
        value = self.text()
        if value not in options:
            raise self.error(f"{value!r} is not one of {', '.join(options)}.{did_you_mean(value, options)}")
        return value

    def integer(self, least: int) -> int:
        """A whole number, at least `least`."""
        value = self.value()
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self.error(f"expected a whole number from {least} up, found {value!r}.")
        return value

    def share(self) -> float:
        """A share from 0 up to, and without, 1."""
        value = self.value()
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1:
            raise self.error(f"expected a share such as 0.1, from 0 and below 1, found {value!r}.")
        return float(value)

    def items(self) -> list[Located]:
        """The entries of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.error("expected a list (lines that start with '- ', or [a, b]).")
        return [Located(self.file, node, f"{self.name}[{i}]") for i, node in enumerate(self.node.value)]

    def fields(self) -> Fields:
        """The entries of a mapping; no key may stand twice."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.error("expected a mapping (lines of 'key: value').")
        prefix = f"{self.name}." if self.name not in _ROOTS else ""
        found: dict[str, Located] = {}
        for key_node, value_node in self.node.value:
            key = str(key_node.value)
            if key in found:
                line = key_node.start_mark.line + 1
                raise CampaignError(self.file, line, f"{prefix}{key} stands twice; remove one of them.")
            found[key] = Located(self.file, value_node, f"{prefix}{key}")
        return Fields(self, found)


@dataclass
class Fields:
    """The entries of a mapping that are not taken yet."""

    owner: Located
    left: dict[str, Located]

    def required(self, key: str) -> Located:
        """Takes the entry `key`, which must be there."""
        if key not in self.left:
            hint = did_you_mean(key, tuple(self.left))
            raise self.owner.error(f"the field {key} is missing; add it.{hint}")
        return self.left.pop(key)

    def optional(self, key: str) -> Located | None:
        """Takes the entry `key`, or None."""
        return self.left.pop(key, None)

    def rest(self) -> dict[str, Located]:
        """Takes all that is left, for mappings whose keys are names."""
        taken, self.left = self.left, {}
        return taken

    def nothing_else(self, known: tuple[str, ...]) -> None:
        """Refuses entries that nobody took; `known` is only for the hint."""
        for key, value in self.left.items():
            raise value.error(f"is not a field here; remove it.{did_you_mean(key, known)}")


def did_you_mean(word: str, options: tuple[str, ...]) -> str:
    """A hint with the nearest of `options`, or nothing."""
    near = difflib.get_close_matches(word, options, n=1)
    return f" Did you mean {near[0]}?" if near else ""


def read_yaml(file: Path, root: str = "campaign") -> Located:
    """The root of a YAML file, a campaign or a journey; a file that is not there, not UTF-8 or not YAML is an error
    with its line."""
    try:
        node = yaml.compose(file.read_text("utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise CampaignError(file, 1, f"cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CampaignError(file, 1, "is not UTF-8; save it as UTF-8.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "is not YAML"
        raise CampaignError(file, mark.line + 1 if mark else 1, f"{problem}; check quotes and indents.") from error
    if node is None:
        raise CampaignError(file, 1, f"is empty; a {root} needs its fields.")
    return Located(file, node, root)
