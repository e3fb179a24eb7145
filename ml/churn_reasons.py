"""Why a person's score is what it is: the families of features that moved it most, in words."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.churn_features import FAMILIES, column, matrix

Floats = NDArray[np.float64]

REASONS = ("reason_1", "reason_2", "reason_3")
# In log-odds: what moves a score by less is no reason.
LEAST = 0.02


def reasons(features: pa.Table, contributions: Floats, definition: str = "purchase") -> dict[str, pa.Array]:
    """A column of text for each of REASONS, the strongest first; null where nothing more points the score's way.

    `contributions` has shape (rows, families), in log-odds from the mean person.
    """
    sentences = [_sentence(family, features, definition) for family in FAMILIES]
    # Of a silence that lowers the risk one says that it is short.
    silence = list(FAMILIES).index("silence")
    lowers = pa.array(contributions[:, silence] < 0)
    sentences[silence] = pc.if_else(lowers, _last_act(features, definition), sentences[silence])
    towards = np.sign(contributions.sum(axis=1))[:, None] * contributions
    order = np.argsort(-towards, axis=1, kind="stable")
    found = {}
    for place, name in enumerate(REASONS):
        family = order[:, place]
        is_reason = np.take_along_axis(towards, family[:, None], axis=1)[:, 0] >= LEAST
        chosen = pc.choose(pa.array(family, pa.int64()), *sentences)
        found[name] = pc.if_else(pa.array(is_reason), chosen, pa.scalar(None, pa.string()))
    return found


def _sentence(family: str, features: pa.Table, definition: str) -> pa.Array:
    is_shop = definition == "purchase"
    one, many = ("order", "orders") if is_shop else ("active day", "active days")

    def number(name: str) -> pa.Array:
        return _whole(column(features, name))

    def counted(name: str, one: str, many: str) -> pa.Array:
        count = _whole(column(features, name))
        return _joined(count, " ", pc.if_else(pc.equal(count, "1"), one, many))

    if family == "silence":
        since = _joined(f"no {one if is_shop else 'act'} for ", counted("recency_days", "day", "days"))
        return _with_rhythm(since, features)
    if family == "frequency":
        latest, all_90 = column(features, "acts_28d_count"), column(features, "acts_90d_count")
        return _joined(_whole(latest), " ", pc.if_else(pa.array(latest == 1), one, many), " in 28 days, ",
                       _whole(all_90), " in 90")  # fmt: skip
    if family == "history":
        away = _whole(100 * np.minimum(column(features, "quiet_share"), 1.0))
        return _joined(f"first {one} ", number("tenure_days"), " days ago, in long absences for ", away, " % of them")
    if family == "spending":
        spent = matrix(features, ("spent_28d_amount",))[:, 0], matrix(features, ("spent_90d_amount",))[:, 0]
        return _joined("spent ", _money(spent[0]), " in 28 days, ", _money(spent[1]), " in 90")
    if family == "range":
        return _joined("ordered ", counted("products_count", "product", "different products"), " so far, ",
                       number("new_products_28d_count"), " of them new in 28 days")  # fmt: skip
    if family == "mail":
        return _joined(counted("messages_90d_count", "message", "messages"), " in 90 days, opened ",
                       counted("opens_90d_count", "time", "times"))  # fmt: skip
    if family == "coupons":
        return _joined(counted("coupons_90d_count", "coupon", "coupons"), " used in 90 days")
    return _joined(counted("visit_days_28d_count", "day", "days"), " with a visit in 28 days, ",
                   number("visit_days_90d_count"), " in 90")  # fmt: skip


def _last_act(features: pa.Table, definition: str) -> pa.Array:
    days = _whole(column(features, "recency_days"))
    what = "last order " if definition == "purchase" else "last active "
    ago = _joined(what, days, pc.if_else(pc.equal(days, "1"), " day ago", " days ago"))
    return _with_rhythm(ago, features)


def _with_rhythm(sentence: pa.Array, features: pa.Table) -> pa.Array:
    gap = matrix(features, ("mean_gap_days",))[:, 0]
    usual = _joined(sentence, ", usually every ", _whole(np.maximum(np.nan_to_num(gap), 1.0)))
    return pc.if_else(pa.array(np.isnan(gap)), sentence, usual)


def _whole(values: Floats) -> pa.Array:
    return pa.array(np.floor(values + 0.5).astype(np.int64)).cast(pa.string())


def _money(values: Floats) -> pa.Array:
    cents = np.round(np.nan_to_num(values, nan=0.0) * 100).astype(np.int64)
    whole, rest = pa.array(np.abs(cents) // 100).cast(pa.string()), pa.array(np.abs(cents) % 100).cast(pa.string())
    sign = pc.if_else(pa.array(cents < 0), "-", "")
    return _joined(sign, whole, ".", pc.utf8_lpad(rest, 2, "0"))


def _joined(*parts: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")
