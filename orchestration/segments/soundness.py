"""Which segments keep a dbt project from parsing or building, and why, in a sentence each."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

FOLDER = "models/segments"
# dbt calls a segment's table after its file, and so does whatever reads it.
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
# Models of the folder that are made of the segments.
OWN_PREFIX = "segment_"
_MATERIALIZATION = "segment"
_MEMBERS = "segment_members"
# They read every segment that is sound, by the list that a build is given.
_OWN_READERS = {_MEMBERS, "segment_refreshes"}
_FILE = re.compile(r"segments/([^\n()]+?)\.(?:sql|yml|yaml)\b")
_STAMP = re.compile(r"(?:\x1b\[[0-9;]*m)*\d\d:\d\d:\d\d\s+")
_MOST_CHARACTERS = 400
# What a database says of the query itself; anything else may quote a value, which is somebody's.
_OF_THE_QUERY = ("Binder Error", "Catalog Error", "Parser Error", "Compilation Error", "Not implemented Error")


def sentence(name: str, why: str, file: str | None = None) -> str:
    """What a person is told of a segment that failed."""
    why = re.sub(f"^The segment {re.escape(name)} ", "it ", why.strip()).rstrip(".")
    return (
        f"The segment {name} is not refreshed and keeps its last members: {why}. "
        f"Mend {file or f'{FOLDER}/{name}.sql'} and run again."
    )


def misnamed(names: Iterable[str]) -> dict[str, str]:
    """The files whose name cannot be that of a table."""
    why = "its name is none of small letters, digits and _ that begins with a letter"
    return {name: sentence(name, why) for name in names if not NAME.fullmatch(name)}


def named_in(words: str, names: Collection[str]) -> dict[str, str]:
    """The files of segments that dbt's words about a project that does not parse put the blame on.

    A YAML file that is no segment's namesake counts, too; the project's own models never do.
    """
    lines = _plain_lines(words)
    told = " ".join(lines)
    blamed: dict[str, str] = {}
    for match in _FILE.finditer("\n".join(lines)):
        if not (stem := match[1].rpartition("/")[2]).startswith(OWN_PREFIX):
            blamed.setdefault(stem, f"segments/{match[1]}{match[0].removeprefix(f'segments/{match[1]}')}")
    for name in re.findall(r"node named '([^']+)'", told):  # one that was switched off, say
        if name in names:
            blamed.setdefault(name, f"segments/{name}.sql")
    return {name: sentence(name, _reason(lines), f"models/{file}") for name, file in blamed.items()}


def told(words: str) -> str:
    """dbt's words about a project that does not parse, in one line."""
    return _cut(" ".join(_plain_lines(words)))


def unbuildable(manifest: Mapping[str, Any], names: Collection[str]) -> dict[str, str]:
    """The segments of a parsed project that would stop the others: switched off, circular, or unchecked."""
    nodes = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    after_members = _descendants(manifest, _ids(manifest, _OWN_READERS), cut=names)
    found = {}
    for name in names:
        node = nodes.get(name)
        if node is None:
            found[name] = sentence(name, "its config switches it off")
        elif node["config"]["materialized"] != _MATERIALIZATION:
            found[name] = sentence(name, f"its config makes a {node['config']['materialized']} of it; leave that out")
        elif node["unique_id"] in after_members:
            found[name] = sentence(name, "it reads a table that is made of all segments, and so of itself")
    return found


def failed(manifest: Mapping[str, Any], results: Iterable[Mapping[str, Any]], names: Collection[str]) -> dict[str, str]:
    """The segments that a build could not make, that failed a test, or that read one of these."""
    ids = _ids(manifest, names)
    found: dict[str, str] = {}
    for result in filter(_is_failure, results):
        words = built_words(str(result.get("message") or ""))
        if result["unique_id"] in ids:
            found[ids[result["unique_id"]]] = words
        for name in _tested(manifest, result["unique_id"], ids):
            found.setdefault(name, f"its test {manifest['nodes'][result['unique_id']]['name']} failed, {words}")
    blamed = {unique_id for unique_id, name in ids.items() if name in found}
    for unique_id in sorted(_descendants(manifest, blamed, cut=_OWN_READERS) & set(ids)):
        needed = sorted(ids[each] for each in blamed & _ancestors(manifest, unique_id))
        found.setdefault(ids[unique_id], f"it reads {', '.join(needed)}, which failed")
    return {name: sentence(name, why) for name, why in sorted(found.items())}


def failures_besides(
    manifest: Mapping[str, Any],
    results: Iterable[Mapping[str, Any]],
    segments: Collection[str],
    is_harmless: Callable[[Mapping[str, Any], Mapping[str, Any]], bool],
) -> list[Mapping[str, Any]]:
    """What failed in a build besides these segments and their tests, and besides what is harmless."""
    ids = _ids(manifest, segments)
    return [
        result
        for result in results
        if _is_failure(result)
        and result["unique_id"] not in ids
        and not _tested(manifest, result["unique_id"], ids)
        and not is_harmless(manifest, result)
    ]


def held_up(manifest: Mapping[str, Any], results: Iterable[Mapping[str, Any]], segments: Collection[str]) -> list[str]:
    """The models that a build skipped because of these segments, and that can be built without them."""
    blamed = set(_ids(manifest, segments))
    readers = _descendants(manifest, blamed, cut=_OWN_READERS) - _ids(manifest, _OWN_READERS).keys()
    skipped = (result["unique_id"] for result in results if result["status"] == "skipped")
    kept = (each for each in skipped if each.startswith("model.") and each not in blamed | readers)
    return sorted(manifest["nodes"][each]["name"] for each in kept)


def built_words(message: str) -> str:
    """Why dbt could not build a model, without what might be somebody's data."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("> in macro", "> called by", "compiled code at"))]
    headed = [line for line in lines if not re.match(r"\w+ Error in (model|test) ", line)]
    if headed != lines and lines[0].startswith("Compilation Error"):
        return _cut(" ".join(headed))
    for position, line in enumerate(headed):
        if line.startswith(_OF_THE_QUERY):
            said = [each for each in headed[position:] if not set(each) <= set("^ ")]
            return _cut(" ".join(each for each in said if not re.match(r"LINE \d+:", each)))
    kind = next((line.partition(":")[0] for line in headed if " Error" in line.partition(":")[0]), "")
    if kind:
        return f"the database says {kind} when it runs the query"
    return _cut(" ".join(headed)) or "dbt gives no reason"


def _is_failure(result: Mapping[str, Any]) -> bool:
    return result["status"] in ("error", "runtime error", "fail")


def _ids(manifest: Mapping[str, Any], names: Collection[str]) -> dict[str, str]:
    """The models of these names, by dbt's unique id."""
    nodes = manifest["nodes"].values()
    return {
        node["unique_id"]: node["name"] for node in nodes if node["resource_type"] == "model" and node["name"] in names
    }


def _tested(manifest: Mapping[str, Any], unique_id: str, ids: Mapping[str, str]) -> list[str]:
    """The segments that a test is about: the one that it is attached to, else all that it reads if it reads no more."""
    node = manifest["nodes"].get(unique_id, {})
    if node.get("resource_type") != "test":
        return []
    about = [node["attached_node"]] if node.get("attached_node") else node["depends_on"]["nodes"]
    return [ids[each] for each in about] if about and all(each in ids for each in about) else []


def _descendants(manifest: Mapping[str, Any], start: Collection[str], cut: Collection[str]) -> set[str]:
    """Whatever reads the models, at any distance; what is called as in `cut` is not followed further."""
    seen: set[str] = set()
    queue = list(start)
    while queue:
        for child in manifest["child_map"].get(queue.pop(), []):
            if child not in seen and child.startswith("model."):
                seen.add(child)
                if child.rpartition(".")[2] not in cut:
                    queue.append(child)
    return seen


def _ancestors(manifest: Mapping[str, Any], unique_id: str) -> set[str]:
    seen: set[str] = set()
    queue = [unique_id]
    while queue:
        for parent in manifest["parent_map"].get(queue.pop(), []):
            if parent not in seen:
                seen.add(parent)
                queue.append(parent)
    return seen


def _plain_lines(words: str) -> list[str]:
    """dbt's words from the error on, without times and colours."""
    text = _STAMP.sub("", words).rpartition("Encountered an error:")[2]
    return [line.strip() for line in text.splitlines() if line.strip()]


def _reason(lines: list[str]) -> str:
    kept = [line for line in lines if not set(line) <= {"-", "^"} and not re.match(r"\d+ +\|", line)]
    heads = ("Compilation Error", "Parsing Error", "Runtime Error", "Raw Error")
    kept = [line for line in kept if not line.startswith(heads)]
    return _cut(" ".join(kept))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS].rsplit(" ", 1)[0] + " …"
