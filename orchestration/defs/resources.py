"""What every asset is given: the home and the instant that the run speaks of."""

from datetime import UTC, datetime

import dagster as dg

from orchestration.delivery.outbox import Outbox
from orchestration.settings import Settings, load_settings, parse_instant
from orchestration.warehouse import Warehouse

# Whatever opens the warehouse's file shares this pool of one.
WAREHOUSE_POOL = "warehouse"


class Home(dg.ConfigurableResource):
    """The home of a run.

    `as_of` is an ISO 8601 instant; empty means the home's setting, else the run's start. `known_at` is one too: what
    landed after it is left out, and nothing is sent; empty leaves out nothing.
    """

    as_of: str = ""
    known_at: str = ""

    def settings(self) -> Settings:
        """The settings as they are now."""
        return load_settings(as_of=self.as_of or None, known_at=self.known_at or None)

    def warehouse(self) -> Warehouse:
        """The warehouse of this home."""
        settings = self.settings()
        return Warehouse(settings.warehouse, settings.memory_limit)

    def outbox(self) -> Outbox:
        """The outbox of this home."""
        return Outbox(self.settings().outbox_url)

    def instant(self, context: dg.AssetExecutionContext) -> datetime:
        """The one instant of this run, the same in each of its assets."""
        if self.as_of:
            return parse_instant(self.as_of, "as_of")
        record = context.instance.get_run_record_by_id(context.run_id)
        started = record.create_timestamp if record else datetime.now(UTC)
        return self.settings().as_of or started.astimezone(UTC)
