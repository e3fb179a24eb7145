"""The policy of what messages may say: `policy.yml`, checked when it is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rendering.located import Located, read_yaml

POLICY = Path(__file__).with_name("policy.yml")


@dataclass(frozen=True)
class Policy:
    """How many of the person's facts one message may mention, which tokens are none, and which words are never said."""

    most_personal_facts: int
    not_counted: frozenset[str]
    forbidden_words: tuple[str, ...]

    def forbidden(self, text: str) -> Iterator[tuple[str, int]]:
        """The forbidden words that stand in `text`, whole, in any case, across any white space, and where."""
        for word in self.forbidden_words:
            yield from ((word, match.start()) for match in _pattern(word).finditer(text))


@lru_cache(maxsize=4)
def load_policy(file: Path = POLICY) -> Policy:
    """The policy of a file; CampaignError names the line of what is wrong with it."""
    left = read_yaml(file, "policy").fields()
    policy = Policy(
        most_personal_facts=left.required("most_personal_facts").integer(1),
        not_counted=frozenset(_words(left.required("not_counted"))),
        forbidden_words=tuple(_words(left.required("forbidden_words"))),
    )
    left.nothing_else(("most_personal_facts", "not_counted", "forbidden_words"))
    return policy


def _words(located: Located) -> list[str]:
    return [item.text() for item in located.items()]


@lru_cache(maxsize=1_024)
def _pattern(word: str) -> re.Pattern[str]:
    words = r"\s+".join(map(re.escape, word.split()))
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)
