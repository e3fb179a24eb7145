"""The sandbox of templates that are filled in by column, where values may be stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from jinja2 import StrictUndefined

from rendering.campaign import Campaign
from rendering.compilation import compiled, parsed
from rendering.folding import scoped
from rendering.json_text import needs_nothing
from rendering.sandbox import Sandbox, furnish
from rendering.segments import Segment, segments
from rendering.stand_ins import RecordsStandIn, StandIn, by_column, joined_by_column, of_known, put_out_by_column


class ByColumn(Sandbox):
    """One where stand-ins can be put out, and handed to filters and to cards."""

    # What comes of known values, of which many are put out as they are.
    put_out_all: Callable[[Sequence[Any]], Sequence[str]]

    def getattr(self, obj: Any, attribute: str) -> Any:
        return obj.needed() if isinstance(obj, StandIn) else super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        for each in (obj, argument):
            if isinstance(each, StandIn):
                return each.needed()
        return super().getitem(list(obj) if type(obj) is RecordsStandIn else obj, argument)


def environment_by_column(campaign: Campaign, *, autoescape: bool, is_in_json: bool = False) -> ByColumn:
    """`environment` for values that may be stand-ins."""
    env = ByColumn(autoescape=autoescape, undefined=StrictUndefined)
    furnish(env, campaign, autoescape=autoescape, is_in_json=is_in_json)
    put_out = env.put_out
    env.put_out_all = lambda values: (
        values if is_in_json and needs_nothing(values) else [put_out(value) for value in values]
    )
    env.put_out, env.joined = put_out_by_column(env.put_out), joined_by_column(env.joined)
    env.tests = {name: of_known(cast(Callable[..., bool], test)) for name, test in env.tests.items()}
    env.filters = {name: by_column(function) for name, function in env.filters.items()}
    return env


def compile_segments(env: ByColumn, campaign: Campaign, source: str) -> list[tuple[Segment, Any]]:
    """The segments of a template's source, each with its template. Raises Jinja's errors."""
    tree = parsed(env, campaign, source)
    return [(segment, compiled(env, scoped(list(segment.body), tree))) for segment in segments(tree)]
