"""What dbt does over and over within a build, and again in the next: once.

Beside an up-to-date parse lie the templates as Python's code, which nodes a command selects of it, and which wait for
which.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from types import CodeType
from typing import Any

# What changes with each build, and says nothing of what is selected.
_OF_ONE_BUILD = frozenset(("--vars", "--target-path", "--project-dir", "--threads", "--log-path", "--log-level-file"))
# Selectors by what earlier builds came to.
_OF_EARLIER_BUILDS = ("state:", "result:", "source_status:")
_MOST_TEMPLATES = 5_000
_MOST_SELECTIONS = 20
_MOST_GRAPHS = 2


def keep(file: Path, data: bytes) -> None:
    """Writes a file that others may read meanwhile; who cannot write there, builds all the same."""
    with suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as written:
            written.write(data)
        Path(written.name).replace(file)


class _Memory:
    """Of earlier builds: templates by their source, selections by the command, and graphs, as nodes and edges, by the
    parse."""

    def __init__(self) -> None:
        self.templates: dict[tuple[str, str], CodeType] = {}
        self.selections: dict[str, tuple[list[str], list[str]]] = {}
        self.graphs: dict[str, tuple[list[str], list[tuple[str, str]]]] = {}
        self.command = ""
        self.parse = ""
        self.is_new = False

    def read(self, file: Path) -> None:
        """Takes in what was kept; a file that cannot be read is as good as none."""
        with suppress(OSError, ValueError, EOFError, TypeError):
            self.templates, self.selections, self.graphs = marshal.loads(file.read_bytes())
        self.is_new = False

    def select(self, found: tuple[list[str], list[str]]) -> None:
        """Keeps what the command selects; what selects nothing is to say so the next time, too."""
        if self.command and found[0]:
            self.selections = {self.command: found, **dict(list(self.selections.items())[:_MOST_SELECTIONS])}
            self.is_new = True

    def link(self, parse: str, nodes: list[str], edges: list[tuple[str, str]]) -> None:
        """Keeps which nodes wait for which."""
        self.graphs = {parse: (nodes, edges), **dict(list(self.graphs.items())[: _MOST_GRAPHS - 1])}
        self.is_new = True

    def write(self, file: Path) -> None:
        """Keeps it for the next build."""
        if not self.is_new:
            return
        if len(self.templates) > _MOST_TEMPLATES:
            self.templates.clear()
        keep(file, marshal.dumps((self.templates, self.selections, self.graphs)))


_MEMORY = _Memory()


def _replace(where: object, name: str, function: Callable[..., Any]) -> None:
    """Puts our function in the place of dbt's, which offers no other way; each of ours calls the one it replaces, and
    test_dbt_once.py builds with them. What dbt calls it with is not typed."""
    setattr(where, name, function)


@cache
def apply() -> None:
    """When dbt is loaded, for the rest of the process."""
    _tell_only_who_listens()
    _select_once()
    _link_once()
    _name_macros_once()
    _compare_names_once()
    _translate_once()
    _look_at_attributes_once()
    _make_nothing_once()


@contextmanager
def remembered(folder: Path, arguments: Sequence[str]) -> Iterator[None]:
    """A build with the memory of those before it, of the parse beside `folder` and of the same versions."""
    parsed = folder.with_name("partial_parse.msgpack").read_bytes()
    told = [word for before, word in pairwise(["", *arguments]) if not _OF_ONE_BUILD & {before, word}]
    told.append(os.environ.get("DBT_INDIRECT_SELECTION", ""))
    is_the_same_each_time = not any(selector in word for word in told for selector in _OF_EARLIER_BUILDS)
    digest = hashlib.sha256(json.dumps(told).encode() + parsed).hexdigest()
    _MEMORY.command = digest if is_the_same_each_time else ""
    _MEMORY.parse = hashlib.sha256(parsed).hexdigest()
    versions = [sys.implementation.cache_tag, *map(version, ("dbt-core", "dbt-common", "jinja2"))]
    file = folder / f"{'-'.join(map(str, versions))}.marshal"
    _MEMORY.read(file)
    try:
        yield
    finally:
        _MEMORY.write(file)
        _MEMORY.command = _MEMORY.parse = ""


def _select_once() -> None:
    """A build asks three times in a row which nodes are selected, and finds out anew: a second each where a run of
    Dagster names two hundred of them."""
    from dbt.graph.selector import NodeSelector

    select = NodeSelector.select_nodes
    last: dict[str, Any] = {}

    def select_nodes(self: NodeSelector, spec: Any, warn_on_no_nodes: bool = True) -> tuple[set[str], set[str]]:
        if last.get("of") != (self.full_graph, spec):
            found = _MEMORY.selections.get(_MEMORY.command)
            if found is None:
                # The third time it would warn of what names nothing.
                nodes, indirect = select(self, spec, warn_on_no_nodes=True)
                found = sorted(nodes), sorted(indirect)
                _MEMORY.select(found)
            last.update(of=(self.full_graph, spec), found=found)
            # A command selects by one specification; another would be another's.
            _MEMORY.command = ""
        nodes, indirect = last["found"]
        return set(nodes), set(indirect)

    _replace(NodeSelector, "select_nodes", select_nodes)


def _link_once() -> None:
    """Which nodes wait for which, models for the tests before them too, hangs on the parse alone."""
    import networkx as nx
    from dbt.compilation import Compiler
    from dbt.flags import get_flags
    from dbt.graph import Graph

    compile_all = Compiler.compile

    def linked(self: Compiler, manifest: Any, write: bool = True, add_test_edges: bool = False) -> Graph:
        if not (add_test_edges and _MEMORY.parse):
            return compile_all(self, manifest, write, add_test_edges)
        parse = f"{_MEMORY.parse} {get_flags().USE_FAST_TEST_EDGES}"
        if parse not in _MEMORY.graphs:
            made = compile_all(self, manifest, write, add_test_edges)
            _MEMORY.link(parse, list(made.graph.nodes), list(made.graph.edges))
            return made
        self.initialize()
        nodes, edges = _MEMORY.graphs[parse]
        graph = nx.DiGraph()
        graph.add_nodes_from(nodes)
        graph.add_edges_from(edges)
        return Graph(graph)

    _replace(Compiler, "compile", linked)


def _name_macros_once() -> None:
    """Each node has two contexts of all macros; which one a name means was looked for in four places, name by name."""
    from dbt.clients.jinja import MacroGenerator
    from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder
    from dbt.include.global_project import PROJECT_NAME

    class Names(dict[str, Any]):
        """A MacroNamespace that is as flat as the context that takes it in."""

        get_from_package = MacroNamespace.get_from_package

        def __init__(self, packages: dict[str, dict[str, Any]], builder: MacroNamespaceBuilder) -> None:
            inner = builder.internal_package_names
            self.packages = {name: macros for name, macros in packages.items() if name not in inner}
            self.global_project_namespace: dict[str, Any] = {}
            # What comes first in dbt's list, and here last, wins.
            for name in reversed(builder.internal_package_names_order):
                self.global_project_namespace.update(packages.get(name, {}))
            self.update(self.global_project_namespace)
            self[PROJECT_NAME] = self.global_project_namespace
            self.update(self.packages)
            for name in (builder.root_package, builder.search_package):
                self.update(self.packages.get(name, {}))

    def build_namespace(self: MacroNamespaceBuilder, macros_by_package: dict[str, dict[str, Any]], ctx: Any) -> Names:
        made = {
            package: {name: MacroGenerator(macro, ctx, self.node, self.thread_ctx) for name, macro in macros.items()}
            for package, macros in macros_by_package.items()
        }
        return Names(made, self)

    _replace(MacroNamespaceBuilder, "build_namespace", build_namespace)


def _compare_names_once() -> None:
    """Of hundreds of tables those of one name are looked at more closely, and not each of them."""
    from dbt.adapters.base import BaseAdapter

    match = BaseAdapter._make_match

    def make_match(self: BaseAdapter, relations: list[Any], database: str, schema: str, identifier: str) -> list[Any]:
        name = identifier.lower()
        few = [relation for relation in relations if (relation.identifier or "").lower() == name]
        return match(self, few, database, schema, identifier)

    _replace(BaseAdapter, "_make_match", make_match)


def _translate_once() -> None:
    """A template becomes Python's code in a hundred times the time that it takes to read the code."""
    from dbt_common.clients.jinja import MacroFuzzEnvironment

    translate = MacroFuzzEnvironment.compile

    def compiled(self: MacroFuzzEnvironment, source: Any, *how: Any, **named: Any) -> Any:
        if how or named or not isinstance(source, str):
            return translate(self, source, *how, **named)
        key = (type(self).__qualname__, source)
        code = _MEMORY.templates.get(key)
        if code is None:
            code = _MEMORY.templates[key] = translate(self, source)
            _MEMORY.is_new = True
        return code

    _replace(MacroFuzzEnvironment, "compile", compiled)


def _look_at_attributes_once() -> None:
    """Whether a template may read an attribute hangs on the kind of the object, and on nothing else."""
    from dbt_common.clients.jinja import MacroFuzzEnvironment

    is_safe = MacroFuzzEnvironment.is_safe_attribute
    known: dict[tuple[type, str], bool] = {}

    def is_safe_attribute(self: MacroFuzzEnvironment, obj: Any, attr: str, value: Any) -> bool:
        key = (type(obj), attr)
        if key not in known:
            known[key] = is_safe(self, obj, attr, value)
        return known[key]

    _replace(MacroFuzzEnvironment, "is_safe_attribute", is_safe_attribute)


def _make_nothing_once() -> None:
    """What a statement without rows gives back is the same each time: to make it takes longer than many statements."""
    from dbt_common.clients import agate_helper

    _replace(agate_helper, "empty_table", cache(agate_helper.empty_table))


def _tell_only_who_listens() -> None:
    """dbt words each of the many events of a node at level `debug`, and only then sees that no log takes them."""
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager

    tell = EventManager.fire_event

    def fire_event(self: EventManager, e: Any, level: Any = None, *arguments: Any, **named: Any) -> None:
        is_detail = (level or e.level_tag()) == EventLevel.DEBUG
        if not is_detail or any(logger.level == EventLevel.DEBUG for logger in self.loggers):
            tell(self, e, level, *arguments, **named)

    _replace(EventManager, "fire_event", fire_event)
    make, found = BaseEvent.__init__, BaseEvent.__getattr__

    def keep(self: BaseEvent, *arguments: Any, **named: Any) -> None:
        self.__dict__["given"] = arguments, named

    def read(self: BaseEvent, name: str) -> Any:
        if "given" not in self.__dict__:
            return found(self, name)
        arguments, named = self.__dict__.pop("given")
        make(self, *arguments, **named)
        return getattr(self, name)

    # An event becomes a message of its kind when something of it is read.
    _replace(BaseEvent, "__init__", keep)
    _replace(BaseEvent, "__getattr__", read)
