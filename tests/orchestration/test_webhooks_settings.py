"""webhooks.toml: what it may say, and how it says what is wrong; and the signature that the secret makes."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.errors import SettingsError
from orchestration.webhooks import signing
from orchestration.webhooks.settings import Webhook, load_webhooks, webhook_named

CRM = {
    "name": '"crm"',
    "url": '"https://crm.example.com/hooks?list=1"',
    "segments": '"all"',
    "secret_env": '"CRM_WEBHOOK_SECRET"',
}


def load(home: Path, *tables: dict[str, str]) -> list[Webhook]:
    text = "\n".join(
        "\n".join(["[[webhook]]", *(f"{key} = {value}" for key, value in table.items())]) for table in tables
    )
    (home / "webhooks.toml").write_text(text, encoding="utf-8")
    return load_webhooks(home)


def test_a_home_without_the_file_has_no_webhooks(tmp_path: Path) -> None:
    assert load_webhooks(tmp_path) == []


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    (webhook,) = load(tmp_path, CRM)
    assert webhook == Webhook("crm", "https://crm.example.com/hooks?list=1", "CRM_WEBHOOK_SECRET")
    assert (webhook.segments, webhook.changes, webhook.include, webhook.since) == ((), ("entered", "exited"), (), "now")


def test_everything_can_be_said(tmp_path: Path) -> None:
    told = {
        **CRM, "segments": '["highly_engaged", "at_risk"]', "changes": '["exited"]', "include": '["email"]',
        "since": '"beginning"', "timeout_seconds": "2.5", "max_attempts": "3", "connections": "2",
    }  # fmt: skip
    _, webhook = load(tmp_path, {**CRM, "name": '"other"'}, told)
    assert webhook.segments == ("highly_engaged", "at_risk")
    assert (webhook.changes, webhook.include, webhook.since) == (("exited",), ("email",), "beginning")
    assert (webhook.timeout_seconds, webhook.max_attempts, webhook.connections) == (2.5, 3, 2)


@pytest.mark.parametrize("url", ["http://localhost:8000/x", "http://127.0.0.1/", "http://[::1]:9/", "https://a.test"])
def test_only_this_machine_is_spoken_to_without_encryption(tmp_path: Path, url: str) -> None:
    assert load(tmp_path, {**CRM, "url": f'"{url}"'})[0].url == url


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("url", '"http://crm.example.com/"', "url is not encrypted; write https://"),
        ("url", '"http://127.0.0.1.example.com/"', "url is not encrypted"),
        ("url", '"https://user:hidden@crm.example.com/"', "url holds a user or a password"),
        ("url", '"crm.example.com"', "url is not an address"),
        ("url", '"https://crm.example.com:port/"', "url is not an address"),
        ("url", '"https://crm.example.com/#part"', "url ends with a fragment"),
        ("url", "5", "url is not a text"),
        ("segments", '"highly_engaged"', 'write "all", or a list: segments = ["highly_engaged"]'),
        ("segments", '["highly_engagd"]', "segments names 'highly_engagd', which there is not"),
        ("segments", '["highly_engagd"]', "Did you mean highly_engaged?"),
        ("segments", "[]", "segments is no list of texts"),
        ("changes", '["enter"]', "Did you mean entered?"),
        ("changes", '"entered"', "changes is no list of texts"),
        ("include", '["emails"]', "Did you mean email?"),
        ("since", '"yesterday"', "since is 'yesterday'; use one of now, beginning"),
        ("secret_env", '"whsec_hidden+/="', "secret_env is no name of an environment variable"),
        ("secret", '"whsec_hidden"', "secret has no place in this file"),
        ("timeout_seconds", "0", "timeout_seconds is 0; write a number from 0.1 to 120"),
        ("timeout_seconds", '"5"', "timeout_seconds is not a number"),
        ("max_attempts", "2.5", "max_attempts is 2.5; write a whole number"),
        ("max_attempts", "true", "max_attempts is no number"),
        ("connections", "1000", "connections is 1000; write a number from 1 to 64"),
        ("segment", '["highly_engaged"]', "has the unknown field 'segment'"),
        ("segment", '["highly_engaged"]', "Did you mean segments?"),
    ],
)
def test_what_is_wrong_names_file_table_and_field_and_no_secret(
    tmp_path: Path, field: str, value: str, words: str
) -> None:
    with pytest.raises(SettingsError) as error:
        load(tmp_path, {**CRM, "name": '"other"'}, {**CRM, field: value})
    assert str(error.value).startswith(f"{tmp_path / 'webhooks.toml'}: [[webhook]] 2 (crm): ")
    assert words in str(error.value)
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize("field", list(CRM))
def test_what_is_needed_and_missing_is_named(tmp_path: Path, field: str) -> None:
    with pytest.raises(SettingsError, match=rf"\[\[webhook\]\] 1.*: lacks {field}; write {field} = "):
        load(tmp_path, {key: value for key, value in CRM.items() if key != field})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[webhook]\nname = 'crm'", r"write it as \[\[webhook\]\]"),
        ("[[webhooks]]\nname = 'crm'", r"'webhooks' is not known there; each webhook is a table \[\[webhook\]\]"),
        ("[[webhook]]\nname = \n", r"webhooks.toml: .*line 2.*Correct that line"),
        ("[[webhook]]\nname = 'CRM 1'", "name is 'CRM 1'; use small letters"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "webhooks.toml").write_text(text)
    with pytest.raises(SettingsError, match=words):
        load_webhooks(tmp_path)


def test_two_webhooks_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="two tables have the name 'crm'"):
        load(tmp_path, CRM, CRM)


def test_a_name_that_is_not_there_gets_the_nearest(tmp_path: Path) -> None:
    webhooks = load(tmp_path, {**CRM, "name": '"crm_production"'})
    with pytest.raises(SettingsError, match=r"there are crm_production\. Did you mean crm_production\?"):
        webhook_named(webhooks, "crm_prod")
    with pytest.raises(SettingsError, match=r"webhooks\.toml of the home names none"):
        webhook_named([], "crm")


def test_the_signature_is_the_specifications_own() -> None:
    """The vector of the specification's reference libraries."""
    keys = signing.keys_of("S", {"S": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
    at = datetime.fromtimestamp(1614265330, UTC)
    assert signing.headers(keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}') == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_while_a_secret_is_replaced_both_sign() -> None:
    old, new = b"o" * 32, b"n" * 32
    variable = " ".join("whsec_" + base64.b64encode(key).decode() for key in (new, old))
    at = datetime.fromtimestamp(1, UTC)
    signatures = signing.headers(signing.keys_of("S", {"S": variable}), "id", at, b"{}")["webhook-signature"]
    assert signatures.split(" ") == [
        "v1," + base64.b64encode(hmac.new(key, b"id.1.{}", hashlib.sha256).digest()).decode() for key in (new, old)
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "CRM is not set"),
        ("hidden", "CRM holds no whsec_ followed by base64"),
        ("whsec_hidden!", "CRM holds no whsec_ followed by base64"),
        ("whsec_aGlkZGVu", "secret in CRM has 6 bytes, and the specification wants 24 to 64"),
    ],
)
def test_a_secret_that_cannot_be_used_is_named_and_not_shown(value: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as error:
        signing.keys_of("CRM", {"CRM": value})
    assert "hidden" not in str(error.value)
    assert "aGlkZGVu" not in str(error.value)
