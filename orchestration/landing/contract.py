"""The shapes of the landing zone: which columns each source's files must and may have."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

FORMATS = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")


@dataclass(frozen=True)
class Entity:
    """A kind of file. `one_of` lists columns of which at least one must be there."""

    source: str
    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    one_of: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        return f"{self.source}_{self.name}"

    @property
    def label(self) -> str:
        return f"{self.source}/{self.name}"

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.required, *self.one_of, *self.optional)

    def missing(self, present: Collection[str]) -> list[str]:
        """The required columns that `present` lacks, alternatives joined by ' or '."""
        missing = [column for column in self.required if column not in present]
        if self.one_of and not any(column in present for column in self.one_of):
            missing.append(" or ".join(self.one_of))
        return missing


ENTITIES = (
    Entity(
        "crm", "contacts", ("contact_id", "email", "signed_up_at"),
        ("phone", "first_name", "last_name", "birth_date", "gender", "city", "region", "country", "timezone",
         "language", "preferences", "signup_source", "referrer", "utm_source", "utm_medium", "utm_campaign",
         "updated_at", "is_deleted"),
    ),
    Entity(
        "crm", "consents", ("purpose", "action", "occurred_at"), ("source", "text_version", "proof"),
        one_of=("contact_id", "email"),
    ),
    Entity(
        "crm", "activities", ("activity", "occurred_at"), ("properties",), one_of=("contact_id", "email"),
    ),
    Entity(
        "shop", "products", ("product_id", "name"),
        ("category", "department", "brand", "price_amount", "currency", "image_url", "product_url",
         "is_available", "is_consumable", "updated_at"),
    ),
    Entity(
        "shop", "orders", ("order_id", "ordered_at"),
        ("currency", "discount_amount", "shipping_amount", "status", "channel"),
        one_of=("customer_id", "email"),
    ),
    Entity(
        "shop", "order_lines",
        ("order_id", "line_number", "product_id", "quantity", "unit_price_amount"), ("discount_amount",),
    ),
    Entity(
        "web", "events", ("message_id", "type", "timestamp"),
        ("event", "properties", "context", "received_at"), one_of=("anonymous_id", "user_id"),
    ),
    Entity(
        "esp", "messages", ("message_id", "email", "campaign", "sent_at"),
        ("variant", "is_holdout", "subject"),
    ),
    Entity(
        "esp", "events", ("event_id", "event", "email", "occurred_at"),
        ("message_id", "url", "reason", "is_machine", "user_agent", "ip"),
    ),
)  # fmt: skip
