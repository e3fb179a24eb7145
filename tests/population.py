"""People with families and namesakes, some of whom signed up twice, under another address and with slips."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pyarrow as pa

from orchestration.matching.scoring import MOST_CONTACTS_PER_KEY
from orchestration.warehouse import Warehouse

_VOWELS, _CONSONANTS = "aeiou", "bdfgklmnprstvz"


@dataclass(frozen=True)
class Contact:
    """What one sign-up said; an empty text is a field left empty."""

    contact_id: str
    email: str
    first_name: str
    last_name: str
    birth_date: str
    city: str
    phone: str
    signed_up_at: datetime


def population(
    people: int, *, seed: int = 11, doubles_share: float = 0.1
) -> tuple[list[Contact], set[tuple[str, str]]]:
    """Contacts of `people`, in no order, and the pairs (smaller contact_id first) that are one person."""
    draw = random.Random(seed)
    first_names = _words(draw, min(400, 40 + people // 20), 2)
    last_names = _words(draw, min(20_000, 100 + people // 3), 3)
    cities = _words(draw, 60, 3)
    contacts: list[Contact] = []
    pairs: set[tuple[str, str]] = set()
    family: list[Contact] = []
    for number in range(people):
        if not family or draw.random() < 0.6:
            family = [_person(draw, number, _common(draw, first_names), _common(draw, last_names), draw.choice(cities))]
        else:
            family.append(_relative(draw, number, family[0], _common(draw, first_names)))
        person = family[-1]
        contacts.append(_forgetful(draw, person))
        if draw.random() < doubles_share:
            again = _second_sign_up(draw, person, cities)
            contacts.append(again)
            pairs.add((person.contact_id, again.contact_id))
    draw.shuffle(contacts)
    return contacts, pairs


def as_staged(contacts: list[Contact]) -> pa.Table:
    """The contacts as the staging layer has them."""
    return pa.table(
        {
            **{
                name: pa.array([getattr(contact, name) or None for contact in contacts], pa.string())
                for name in ("contact_id", "email", "first_name", "last_name", "city", "phone")
            },
            "birth_date": pa.array(
                [date.fromisoformat(contact.birth_date) if contact.birth_date else None for contact in contacts],
                pa.date32(),
            ),
            "signed_up_at": pa.array([contact.signed_up_at for contact in contacts], pa.timestamp("us")),
            "updated_at": pa.nulls(len(contacts), pa.timestamp("us")),
            "is_deleted": pa.array([False] * len(contacts)),
            "_landed_at": pa.array([contact.signed_up_at for contact in contacts], pa.timestamp("us")),
            "_load_id": pa.array(["l"] * len(contacts), pa.string()),
            "_row": pa.array(range(len(contacts)), pa.int64()),
        }
    )


def compared(contacts: list[Contact], folder: Path) -> pa.Table:
    """The contacts through a real warehouse and the real query, as the asset reads them."""
    warehouse = Warehouse(folder / "warehouse.duckdb")
    warehouse.replace("staging.stg_crm__contacts", as_staged(contacts))
    query = files("orchestration.matching").joinpath("contacts.sql").read_text(encoding="utf-8")
    return warehouse.table(query, [5, MOST_CONTACTS_PER_KEY])


def _words(draw: random.Random, count: int, syllables: int) -> list[str]:
    words: dict[str, None] = {}
    while len(words) < count:
        syllables_here = syllables + (draw.random() < 0.4)
        words["".join(draw.choice(_CONSONANTS) + draw.choice(_VOWELS) for _ in range(syllables_here)).title()] = None
    return list(words)


def _common(draw: random.Random, words: list[str]) -> str:
    """A few words are on everybody's lips, most are rare."""
    return words[int(len(words) * draw.random() ** 2.5)]


def _person(draw: random.Random, number: int, first_name: str, last_name: str, city: str) -> Contact:
    return Contact(
        contact_id=f"{number:07d}",
        email=_address(draw, first_name, last_name, "example.com"),
        first_name=first_name,
        last_name=last_name,
        birth_date=(date(1940, 1, 1) + timedelta(days=draw.randrange(24_000))).isoformat(),
        city=city,
        phone=_phone(draw),
        signed_up_at=datetime(2015, 1, 1) + timedelta(minutes=draw.randrange(900_000)),
    )


def _relative(draw: random.Random, number: int, head: Contact, first_name: str) -> Contact:
    """One of the same household: a twin now and then, the parent's namesake now and then, often one telephone."""
    person = _person(draw, number, first_name, head.last_name, head.city)
    if draw.random() < 0.01:
        return replace(person, birth_date=head.birth_date)
    if draw.random() < 0.01:
        return replace(person, first_name=head.first_name)
    return replace(person, phone=head.phone) if draw.random() < 0.2 else person


def _second_sign_up(draw: random.Random, person: Contact, cities: list[str]) -> Contact:
    year, month, day = person.birth_date.split("-")
    handle = person.email.partition("@")[0]
    again = replace(
        person,
        contact_id=f"{person.contact_id}-2",
        email=f"{handle}@example.org"
        if draw.random() < 0.4
        else _address(draw, person.first_name, person.last_name, "example.org"),
        signed_up_at=person.signed_up_at + timedelta(days=draw.randrange(1, 300)),
    )
    if draw.random() < 0.12:
        again = replace(again, first_name=_slip(draw, again.first_name))
    if draw.random() < 0.1:
        again = replace(again, last_name=_slip(draw, again.last_name))
    if draw.random() < 0.06 and int(day) <= 12:
        again = replace(again, birth_date=f"{year}-{day}-{month}")
    elif draw.random() < 0.05:
        again = replace(again, birth_date=f"{int(year) + draw.choice([-1, 1])}-{month}-{min(int(day), 28):02d}")
    if draw.random() < 0.15:
        again = replace(again, city=draw.choice(cities))
    if draw.random() < 0.4:
        again = replace(again, phone=_phone(draw))
    elif draw.random() < 0.1:
        again = replace(again, phone=_slip(draw, again.phone[1:], "0123456789"))
    return _forgetful(draw, again)


def _forgetful(draw: random.Random, contact: Contact) -> Contact:
    shares = {"first_name": 0.03, "last_name": 0.05, "birth_date": 0.2, "city": 0.1, "phone": 0.4}
    return replace(contact, **{name: "" for name, share in shares.items() if draw.random() < share})


def _address(draw: random.Random, first_name: str, last_name: str, domain: str) -> str:
    if draw.random() < 0.6:
        return f"{first_name}.{last_name}{draw.randrange(1_000)}@{domain}".lower()
    return f"{draw.choice(_words(draw, 3, 3))}{draw.randrange(100)}@{domain}".lower()


def _phone(draw: random.Random) -> str:
    return f"+1555{draw.randrange(10**7):07d}"


def _slip(draw: random.Random, word: str, letters: str = "abcdefghijklmnopqrstuvwxyz") -> str:
    """One letter wrong, left out or swapped with the next."""
    place = draw.randrange(1, max(len(word) - 1, 2))
    kind = draw.randrange(3)
    if kind == 0:
        return word[:place] + draw.choice(letters) + word[place + 1 :]
    if kind == 1:
        return word[:place] + word[place + 1 :]
    return word[:place] + word[place + 1 : place + 2] + word[place] + word[place + 2 :]
