"""SMTP's adapter against a real server."""

from __future__ import annotations

import email
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from email import policy
from pathlib import Path
from urllib.parse import quote

import pytest

from orchestration.delivery.esp.base import Esp, EspError
from orchestration.delivery.esp.smtp import Smtp
from orchestration.delivery.outbox import Outbox
from orchestration.delivery.sender import send
from orchestration.errors import SettingsError
from tests.esp.cases import HASTY, NOW, AdapterCases, errors, outbox, payload, plan, states
from tests.esp.faults import ACCEPTED_THEN_DROPPED, DROPPED
from tests.esp.smtp import PASSWORD, USER, FakeSmtp, knows_the_password, smtp, tls

__all__ = ["outbox"]


@pytest.fixture
def fake() -> Iterator[FakeSmtp]:
    with smtp() as server:
        yield server


class TestSmtp(AdapterCases):
    @pytest.fixture
    def esp(self, fake: FakeSmtp) -> Esp:
        self.fake = fake
        return Smtp(fake.url())

    def taken(self) -> Counter[str]:
        return self.fake.accepted

    def refuse(self, address: str) -> None:
        self.fake.refuses.add(address)


def test_a_message_arrives_as_it_was_rendered(outbox: Outbox, fake: FakeSmtp) -> None:
    plan(outbox, [payload(1)])
    send(outbox, Smtp(fake.url()), NOW)
    message = email.message_from_bytes(fake.contents["hello-1"], policy=policy.default)
    assert message["Message-ID"] == "<hello-1@example.com>"
    assert message["Subject"] == "Grüße 1"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text = message.get_body(("plain",))
    assert text is not None
    # Lines of dots and all.
    assert text.get_content().replace("\r\n", "\n") == payload(1).text


def test_many_messages_go_over_few_connections(outbox: Outbox, fake: FakeSmtp) -> None:
    for batch in range(4):
        plan(outbox, [payload(number) for number in range(batch * 30, batch * 30 + 30)])
    assert send(outbox, Smtp(fake.url()), NOW).accepted == 120
    assert fake.connections <= Smtp.limits.connections


def test_a_connection_lost_after_the_final_dot_leaves_one_message_unknown(outbox: Outbox, fake: FakeSmtp) -> None:
    fake.faults.add(None, ACCEPTED_THEN_DROPPED)
    plan(outbox, [payload(number) for number in range(5)])
    sent = send(outbox, Smtp(fake.url()), NOW, patience=HASTY)
    assert (sent.accepted, sent.unknown) == (4, 1)
    assert list(errors(outbox)) == ["hello-1"]
    assert set(fake.accepted.values()) == {1}


def test_a_connection_lost_before_an_answer_is_unknown_even_if_nothing_was_taken(
    outbox: Outbox, fake: FakeSmtp
) -> None:
    fake.faults.add(DROPPED)
    plan(outbox, [payload(1)])
    send(outbox, Smtp(fake.url()), NOW, patience=HASTY)
    assert states(outbox) == {"unknown": 1}


def test_a_server_that_closes_with_421_is_asked_again_for_the_rest(outbox: Outbox, fake: FakeSmtp) -> None:
    fake.faults.add(None, "421 4.3.2 shutting down")
    plan(outbox, [payload(number) for number in range(5)])
    assert send(outbox, Smtp(fake.url()), NOW, patience=HASTY).accepted == 5
    assert fake.accepted == {f"hello-{number}": 1 for number in range(5)}


def test_a_greylisted_address_waits_for_a_later_sending_and_holds_up_nobody(outbox: Outbox, fake: FakeSmtp) -> None:
    fake.greylists.add("person.2@example.com")
    plan(outbox, [payload(number) for number in range(5)])
    sent = send(outbox, Smtp(fake.url()), NOW, patience=HASTY)
    assert (sent.accepted, sent.left) == (4, 1)
    assert "450" in errors(outbox)["hello-2"]
    fake.greylists.clear()
    assert send(outbox, Smtp(fake.url()), NOW + timedelta(hours=1), patience=HASTY).accepted == 1
    assert set(fake.accepted.values()) == {1}


@pytest.mark.parametrize("answer", ["554 5.6.0 no", "552 5.3.4 too large"])
def test_a_message_refused_for_good_is_rejected_alone(outbox: Outbox, fake: FakeSmtp, answer: str) -> None:
    fake.faults.add(None, answer)
    plan(outbox, [payload(number) for number in range(5)])
    sent = send(outbox, Smtp(fake.url()), NOW, patience=HASTY)
    assert (sent.accepted, sent.rejected) == (4, 1)


def test_a_sender_that_the_server_does_not_take_stops_everything(outbox: Outbox, fake: FakeSmtp) -> None:
    fake.unwelcome.add("shop@example.com")
    plan(outbox, [payload(number) for number in range(5)])
    with pytest.raises(EspError, match="does not take our sender"):
        send(outbox, Smtp(fake.url()), NOW)
    assert states(outbox) == {"planned": 5}


def test_a_server_that_cannot_be_reached_has_taken_nothing(outbox: Outbox) -> None:
    with smtp() as gone:
        url = gone.url()
    plan(outbox, [payload(1)])
    assert send(outbox, Smtp(url), NOW, patience=HASTY).left == 1
    assert states(outbox) == {"planned": 1}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
            "-addext", "subjectAltName=IP:127.0.0.1", "-out", files[0], "-keyout", files[1],
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return files


def test_starttls_and_a_user_are_used(outbox: Outbox, certificate: tuple[Path, Path]) -> None:
    user = f"{USER}:{quote(PASSWORD, safe='')}@"
    with smtp(tls_context=tls(*certificate), require_starttls=True, authenticator=knows_the_password) as fake:
        plan(outbox, [payload(1)])
        assert send(outbox, Smtp(fake.url(user=user, query=f"?ca={certificate[0]}")), NOW).accepted == 1
        assert fake.accepted == {"hello-1": 1}


def test_a_wrong_password_stops_everything_and_is_not_repeated(outbox: Outbox, certificate: tuple[Path, Path]) -> None:
    with smtp(tls_context=tls(*certificate), authenticator=knows_the_password) as fake:
        plan(outbox, [payload(1)])
        with pytest.raises(EspError, match="SINCERELY_SMTP_URL") as caught:
            send(outbox, Smtp(fake.url(user=f"{USER}:secret-and-wrong@", query=f"?ca={certificate[0]}")), NOW)
    assert "secret-and-wrong" not in str(caught.value)
    assert states(outbox) == {"planned": 1}


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(outbox: Outbox, certificate: tuple[Path, Path]) -> None:
    with smtp(tls_context=tls(*certificate)) as fake:
        plan(outbox, [payload(1)])
        assert send(outbox, Smtp(fake.url()), NOW, patience=HASTY).left == 1
        assert fake.accepted == {}


@pytest.mark.parametrize("url", ["", "mail.example.com", "smtp://", "smtp://user@mail.example.com", "smtp://h:port"])
def test_an_address_that_cannot_be_used_is_named(url: str) -> None:
    with pytest.raises(SettingsError, match="SINCERELY_SMTP_URL"):
        Smtp(url)
