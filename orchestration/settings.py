"""Every setting, its default and where its value came from."""

from __future__ import annotations

import os
import secrets
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from orchestration.errors import SettingsError, storage_error

PROJECT_ROOT = Path(__file__).resolve().parent.parent
# Another project to build, such as a copy to try things on.
DBT_PROJECT = Path(os.environ.get("SINCERELY_DBT_PROJECT") or PROJECT_ROOT / "dbt_project").absolute()
CAMPAIGNS = PROJECT_ROOT / "rendering" / "campaigns"
ESPS = ("folder", "smtp", "sendgrid", "mailchimp")
TARGETS = ("duckdb",)

# Keys and passwords: from the environment alone, never from a file that is copied about.
_SECRETS = ("sendgrid_api_key", "mailchimp_api_key", "smtp_url")
_OF_ESPS = ("sendgrid_url", "sendgrid_template_id", "sendgrid_activity", "mailchimp_url", "mailchimp_list_id")
_SWITCH = ("off", "on")

# The demo's key is public: it signs links to example.com only, and no ESP but `folder` accepts it.
DEMO_SECRET = "demo-only-public-secret"


@dataclass(frozen=True)
class Setting:
    """One setting as `doctor` shows it."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True)
class Settings:
    """All that a run needs to know besides the data.

    `as_of` is UTC; None means now. `known_at`, also UTC, leaves out what landed after it; None leaves out nothing. It
    may lie after `as_of`: then late rows about the time before `as_of` count.
    """

    home: Path
    esp: str = "folder"
    target: str = "duckdb"
    outbox_url: str = ""
    base_url: str = "https://journey-market.example.com"
    secret: str = field(default="", repr=False)
    as_of: datetime | None = None
    known_at: datetime | None = None
    memory_limit: str = "2GB"
    # Comma-separated; "" means the ESP's own.
    dkim_selectors: str = ""
    # host:port; "" means the system's resolvers.
    dns_server: str = ""
    # After so many hours without a word of it, the campaign's policy decides about an unknown message.
    unknown_hours: float = 72.0
    # What a thousand messages cost, in the ESP's own currency; None while nobody said.
    cost_per_thousand: Decimal | None = None
    sendgrid_api_key: str = field(default="", repr=False)
    sendgrid_url: str = "https://api.sendgrid.com"
    sendgrid_template_id: str = ""
    # Whether the account has bought the API that knows of single messages.
    sendgrid_activity: str = "off"
    mailchimp_api_key: str = field(default="", repr=False)
    mailchimp_url: str = ""
    mailchimp_list_id: str = ""
    smtp_url: str = field(default="", repr=False)
    # Whom test sends may go to, with commas between.
    seed_addresses: str = field(default="", repr=False)
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def landing(self) -> Path:
        return self.home / "landing"

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def outbox(self) -> Path:
        return self.home / "outbox"

    @property
    def models(self) -> Path:
        return self.home / "models"

    @property
    def reports(self) -> Path:
        return self.home / "reports"

    def describe(self) -> list[Setting]:
        """Every setting with its value and origin, secrets masked."""
        values = {
            "home": str(self.home),
            "esp": self.esp,
            "target": self.target,
            "outbox_url": _masked_url(self.outbox_url),
            "base_url": self.base_url,
            "secret": _masked(self.secret),
            "as_of": self.as_of.isoformat() if self.as_of else "now",
            "memory_limit": self.memory_limit,
            "dkim_selectors": self.dkim_selectors,
            "dns_server": self.dns_server,
            "seed_addresses": _counted(self.seed_addresses),
            "dbt_project": str(DBT_PROJECT),
            "unknown_hours": f"{self.unknown_hours:g}",
            "cost_per_thousand": "" if self.cost_per_thousand is None else str(self.cost_per_thousand),
            **{name: getattr(self, name) for name in _OF_ESPS},
            "sendgrid_api_key": _masked(self.sendgrid_api_key),
            "mailchimp_api_key": _masked(self.mailchimp_api_key),
            "smtp_url": _masked_url(self.smtp_url),
        }
        return [
            Setting(f"SINCERELY_{name.upper()}", value, self.origins.get(name, "default"))
            for name, value in values.items()
        ]


def parse_instant(text: str, origin: str) -> datetime:
    """An ISO 8601 instant in UTC; without an offset it is taken as UTC."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(
            f"{origin}: '{text}' is not an ISO 8601 time. Write it like 2018-01-01T00:00:00Z."
        ) from error
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def load_settings(
    environ: Mapping[str, str] | None = None, *, as_of: str | None = None, known_at: str | None = None
) -> Settings:
    """Reads the environment, then `sincerely.toml` of the home, then the defaults; makes the home.

    A look at what was known at some instant is asked for each time, so `known_at` comes from the caller alone.

    Raises SettingsError for a value that cannot be used and StorageError for a home that cannot be written.
    """
    environ = os.environ if environ is None else environ
    home = Path(environ.get("SINCERELY_HOME") or PROJECT_ROOT / "var").expanduser().absolute()
    _make_writable(home)
    from_file = _read_toml(home / "sincerely.toml")
    for name in _SECRETS:
        if name in from_file:
            raise SettingsError(
                f"{home / 'sincerely.toml'}: {name} has no place in this file; set SINCERELY_{name.upper()} in the "
                "environment, and take it out here."
            )
    names = (
        "esp", "target", "outbox_url", "base_url", "secret", "as_of", "memory_limit", "unknown_hours",
        "cost_per_thousand",
        *_SECRETS, *_OF_ESPS, "dkim_selectors", "dns_server", "seed_addresses",
    )  # fmt: skip
    values: dict[str, str] = {}
    origins = {
        name: "environment" if environ.get(f"SINCERELY_{name.upper()}") else "default"
        for name in ("home", "dbt_project")
    }
    for name in names:
        if environ.get(f"SINCERELY_{name.upper()}"):
            values[name], origins[name] = environ[f"SINCERELY_{name.upper()}"], "environment"
        elif name in from_file:
            values[name], origins[name] = from_file[name], "sincerely.toml"
    if as_of:
        values["as_of"], origins["as_of"] = as_of, "--as-of"
    if not values.get("secret"):
        values["secret"], origins["secret"] = _own_secret(home / "secret"), "made once, in the home"
    values.setdefault("outbox_url", f"sqlite:///{home / 'outbox.sqlite'}")
    _check_choice("esp", values.get("esp", "folder"), ESPS)
    _check_choice("sendgrid_activity", values.get("sendgrid_activity", "off"), _SWITCH)
    _check_choice("target", values.get("target", "duckdb"), TARGETS)
    unknown_hours = _hours(values.pop("unknown_hours", "72"))
    cost_per_thousand = _price(values.pop("cost_per_thousand", ""))
    instant = values.pop("as_of", None)
    return Settings(
        home=home,
        as_of=parse_instant(instant, origins["as_of"]) if instant else None,
        known_at=parse_instant(known_at, "--known-at") if known_at else None,
        unknown_hours=unknown_hours,
        cost_per_thousand=cost_per_thousand,
        origins=origins,
        **values,
    )


def _read_toml(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}. Correct that line, or delete the file.") from error
    return {name: value.isoformat() if isinstance(value, datetime) else str(value) for name, value in content.items()}


def _price(text: str) -> Decimal | None:
    if not text:
        return None
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal("NaN")
    if not (price.is_finite() and price >= 0):
        raise SettingsError(f"SINCERELY_COST_PER_THOUSAND is '{text}'; write an amount, such as 0.95.")
    return price


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SettingsError(f"SINCERELY_{name.upper()} is '{value}'; use one of: {', '.join(choices)}.")


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours < float("inf"):
        raise SettingsError(f"SINCERELY_UNKNOWN_HOURS is '{text}'; write a number of hours, such as 72.")
    return hours


def _masked(secret: str) -> str:
    return "*" * 8 if secret else ""


def _make_writable(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        raise storage_error(error, home) from error


def _own_secret(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise storage_error(error, path) from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32))
    return path.read_text(encoding="ascii").strip()


def _counted(addresses: str) -> str:
    """How many there are: addresses are nobody's business in what `doctor` prints."""
    count = sum(bool(address.strip()) for address in addresses.split(","))
    return f"{count} {'address' if count == 1 else 'addresses'}" if count else ""


def _masked_url(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}***@{rest.rpartition('@')[2]}" if "@" in rest else url
