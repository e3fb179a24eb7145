"""dbt's two hundred kinds of records, of which a build reads and writes few: what each needs is made when it is asked
for. Made for all when they are loaded, it takes half of the time that dbt takes to start."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

_SCHEMAS = "mashumaro.jsonschema.builder"


def prepare() -> None:
    """Before dbt is loaded."""
    from mashumaro.config import BaseConfig
    from mashumaro.mixins import dict as mixins

    BaseConfig.lazy_compilation = True
    sys.modules.setdefault(_SCHEMAS, _schemas_when_asked())
    # Once in a process, which may prepare many builds.
    if mixins.compile_mixin_packer.__module__ != __name__:
        mixins.compile_mixin_packer = _when_asked(mixins.compile_mixin_packer, "to", "encoder", of_class=False)
        mixins.compile_mixin_unpacker = _when_asked(mixins.compile_mixin_unpacker, "from", "decoder", of_class=True)


def _when_asked(make: Callable[..., None], direction: str, coder: str, *, of_class: bool) -> Callable[..., None]:
    """Mashumaro has methods of its own that make the real ones at their first call; to make those for all classes takes
    a quarter of the time that dbt takes to load. Ours stand in for them, under the names that they would have."""
    from mashumaro.core.meta.code.builder import InternalMethodName

    def make_when_asked(cls: type, **how: Any) -> None:
        form = how.get("format_name", "dict")
        coded = form == "dict" or how.get(coder) is not None
        name = InternalMethodName.from_public(f"{direction}_{form}" if coded else f"{direction}_dict_{form}")

        def made(self: Any, *arguments: Any, **named: Any) -> Any:
            if cls.__dict__[name] is method:
                make(cls, **how)
            return cls.__dict__[name].__get__(None if of_class else self, self if of_class else type(self))(
                *arguments, **named
            )

        method = classmethod(made) if of_class else made
        setattr(cls, name, method)
        setattr(cls, name.public, method)

    return make_when_asked


def _schemas_when_asked() -> ModuleType:
    """The maker of JSON schemas, which checks what is parsed: to load it takes a sixth of the time that dbt takes."""

    def of(name: str) -> Callable[..., Any]:
        def made(*arguments: Any, **named: Any) -> Any:
            if sys.modules.get(_SCHEMAS) is stand_in:
                del sys.modules[_SCHEMAS]
            return getattr(import_module(_SCHEMAS), name)(*arguments, **named)

        return made

    stand_in = ModuleType(_SCHEMAS)
    for name in ("build_json_schema", "JSONSchemaBuilder"):
        setattr(stand_in, name, of(name))
    return stand_in
