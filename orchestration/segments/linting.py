"""What is wrong with segments, and with campaigns' use of them, before anything is built."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import jinja2
import yaml

from orchestration.segments import soundness
from orchestration.segments.definitions import Definition, definitions, did_you_mean, yaml_files
from orchestration.settings import DBT_PROJECT
from rendering.campaign import Campaign
from rendering.lint import Finding
from rendering.located import read_yaml

# What `sincerely segment new` writes where nobody has said it yet.
PURPOSE_TO_BE_SAID = "Say here what it is for."
_REF = re.compile(r"""\bref\(\s*['"]([^'"]+)['"]\s*\)""")
_JINJA = jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], autoescape=False)  # as dbt's


def findings() -> list[Finding]:
    """What is wrong with the segments' own files, in the order of files and lines."""
    known = definitions()
    models = {file.stem for pattern in ("*.sql", "*.csv") for file in _project_files(pattern)}
    found = [finding for each in known.values() for finding in (*_query(each, models), *_said(each))]
    return sorted({*found, *_unreadable_yaml()})


def audience_findings(campaign: Campaign, known: Mapping[str, Definition] | None = None) -> list[Finding]:
    """A segment of the campaign's audience that is not there, or that must not be used for mailing."""
    known = definitions() if known is None else known
    found = []
    audience = read_yaml(campaign.file).fields().left.get("audience")
    for role, entry in audience.fields().left.items() if audience else ():
        for item in entry.items():
            name = item.text()
            if name not in known:
                words = f"there is no segment {name}.{did_you_mean(name, known)}"
            elif not known[name].is_for_mailing:
                words = f"the segment {name} is tagged not_for_mailing; take it out, whatever it is used for."
            else:
                continue
            found.append(Finding(campaign.file, item.line, "error", f"audience.{role}: {words}"))
    return found


def _query(segment: Definition, models: set[str]) -> Iterator[Finding]:
    if not soundness.NAME.fullmatch(segment.name):
        words = "the file's name must be small letters, digits and _, a letter first: it becomes the segment's name."
        yield Finding(segment.file, 1, "error", words)
    try:
        text = segment.file.read_text(encoding="utf-8")
        _JINJA.parse(text)
    except UnicodeDecodeError:
        yield Finding(segment.file, 1, "error", "is not UTF-8; save it as UTF-8.")
        return
    except jinja2.TemplateSyntaxError as error:
        yield Finding(segment.file, error.lineno, "error", f"{error.message}; mend the braces.")
        return
    for number, line in enumerate(text.splitlines(), 1):
        for name in _REF.findall(line):
            if name not in models:
                words = f"there is no model {name}.{did_you_mean(name, models)}"
                yield Finding(segment.file, number, "error", words)


def _said(segment: Definition) -> Iterator[Finding]:
    missing = [
        name
        for name, value in (
            ("owner", segment.owner),
            ("purpose", segment.purpose),
            ("freshness_hours", segment.freshness_hours),
        )
        if not value
    ]
    if not segment.yaml_file.exists():
        words = (
            f"the segment has no YAML; write {segment.yaml_file.name} beside it with owner, purpose, freshness_hours."
        )
        yield Finding(segment.file, 1, "error", words)
    elif missing:
        words = f"the segment {segment.name} does not say its {', '.join(missing)}; add to config.meta."
        yield Finding(segment.yaml_file, segment.line, "error", words)
    elif segment.purpose == PURPOSE_TO_BE_SAID:
        words = f"the segment {segment.name} does not say what it is for yet."
        yield Finding(segment.yaml_file, segment.line, "warning", words)


def _unreadable_yaml() -> Iterator[Finding]:
    for file in yaml_files():
        try:
            yaml.safe_load(file.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            yield Finding(file, 1, "error", "is not UTF-8; save it as UTF-8.")
        except yaml.YAMLError as error:
            mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
            line = mark.line + 1 if mark else 1
            yield Finding(file, line, "error", f"{problem or 'is not YAML'}; check quotes and indents.")


def _project_files(pattern: str) -> Iterator[Path]:
    for folder in ("models", "seeds", "snapshots"):
        yield from (DBT_PROJECT / folder).rglob(pattern)
