"""The shapes of the landing zone: which columns each source's files must and may have."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

FORMATS = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")


@dataclass(frozen=True)
class Entity:
    """A kind of file. `one_of` lists columns of which at least one must be there.

    The raw table of an entity that `is_optional` is made by the first file that lands, and switches its models on.
    `key` names the columns that tell its things apart, where a thing can vanish; events only happen.
    """

    source: str
    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    one_of: tuple[str, ...] = ()
    is_optional: bool = False
    key: tuple[str, ...] = ()

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
        key=("contact_id",),
    ),
    Entity(
        "crm", "consents", ("purpose", "action", "occurred_at"), ("source", "text_version", "proof"),
        one_of=("contact_id", "email"),
    ),
    Entity(
        "crm", "activities", ("activity", "occurred_at"), ("properties",), one_of=("contact_id", "email"),
    ),
    Entity(
        "crm", "events", ("event_id", "name", "topic", "starts_at"),
        ("ends_at", "city", "region", "country", "timezone", "url", "capacity", "registered_count", "updated_at",
         "is_cancelled"),
        key=("event_id",),
    ),
    Entity(
        "shop", "products", ("product_id", "name"),
        ("category", "department", "brand", "price_amount", "currency", "image_url", "product_url",
         "is_available", "is_consumable", "updated_at"),
        key=("product_id",),
    ),
    Entity(
        "shop", "orders", ("order_id", "ordered_at"),
        ("currency", "discount_amount", "shipping_amount", "status", "channel"),
        one_of=("customer_id", "email"), key=("order_id",),
    ),
    Entity(
        "shop", "order_lines",
        ("order_id", "line_number", "product_id", "quantity", "unit_price_amount"), ("discount_amount",),
        key=("order_id", "line_number"),
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
    # The shapes of others, as they export them; dbt's macro `third_party_columns` reads the same columns.
    Entity(
        "segment", "events", ("messageId", "type"),
        ("previousId", "groupId", "event", "name", "category", "properties", "traits", "context", "integrations",
         "timestamp", "originalTimestamp", "sentAt", "receivedAt", "channel", "version", "projectId", "writeKey"),
        one_of=("anonymousId", "userId"), is_optional=True,
    ),
    Entity(
        "ga4", "events", ("event_name", "event_timestamp"),
        ("event_date", "event_params", "event_previous_timestamp", "event_value_in_usd", "event_bundle_sequence_id",
         "event_server_timestamp_offset", "privacy_info", "user_properties", "user_first_touch_timestamp", "user_ltv",
         "device", "geo", "app_info", "traffic_source", "stream_id", "platform", "event_dimensions", "ecommerce",
         "items", "collected_traffic_source", "session_traffic_source_last_click", "is_active_user",
         "batch_event_index", "batch_page_id", "batch_ordering_id", "publisher"),
        one_of=("user_pseudo_id", "user_id"), is_optional=True,
    ),
    Entity(
        "shopify", "orders",
        ("Name", "Financial Status", "Created at", "Currency", "Lineitem quantity", "Lineitem name",
         "Lineitem price"),
        ("Subtotal", "Shipping", "Taxes", "Total", "Discount Code", "Discount Amount", "Paid at",
         "Fulfillment Status", "Fulfilled at", "Accepts Marketing", "Shipping Method", "Lineitem compare at price",
         "Lineitem sku", "Lineitem discount", "Cancelled at", "Refunded Amount", "Id", "Source", "Vendor", "Tags"),
        one_of=("Email", "Phone"), is_optional=True,
    ),
    Entity(
        "sendgrid", "events", ("email", "timestamp", "event", "sg_event_id"),
        ("sg_message_id", "smtp-id", "message_id", "category", "url", "reason", "response", "status", "type",
         "attempt", "bounce_classification", "asm_group_id", "useragent", "ip", "sg_machine_open",
         "marketing_campaign_id", "marketing_campaign_name"),
        is_optional=True,
    ),
    Entity(
        "sendgrid", "suppressions", ("list", "email", "created"), ("reason", "status", "ip"), is_optional=True,
    ),
    Entity(
        "mailchimp", "events", (),
        ("fired_at", "data", "campaign_id", "list_id", "list_is_active", "email_id", "email_address"),
        one_of=("type", "activity"), is_optional=True,
    ),
)  # fmt: skip
