"""django-anymail's SendGrid backend, in an environment of its own: `with_anymail.py URL ROWS merge|single`.

It is given finished messages, so what it takes to make them is not counted. Prints messages and seconds as JSON.
"""

import json
import sys
import time
from pathlib import Path

import django
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

API_KEY, TEMPLATE_ID = "SG.key-for-tests-only", "d-fedcba9876543210"
# As many personalizations as the vendor takes in a request.
A_CALL = 1_000


def merged(rows, connection):
    """One message for a thousand people, whose template the vendor keeps and whose values differ."""
    message = EmailMultiAlternatives(to=[row["email"] for row in rows], from_email=rows[0]["from_email"])
    message.template_id = TEMPLATE_ID
    message.merge_data = {row["email"]: row["data"] for row in rows}
    message.merge_metadata = {row["email"]: {"message_id": row["message_id"]} for row in rows}
    message.merge_headers = {row["email"]: row["headers"] for row in rows}
    connection.send_messages([message])


def single(rows, connection):
    """A message and a call for each."""
    for row in rows:
        message = EmailMultiAlternatives(
            row["subject"], row["text"], row["from_email"], [row["email"]], headers=row["headers"]
        )
        message.attach_alternative(row["html"], "text/html")
        message.metadata = {"message_id": row["message_id"]}
        connection.send_messages([message])


def main(url, path, form):
    """Sends the file's rows in batches."""
    settings.configure(
        EMAIL_BACKEND="anymail.backends.sendgrid.EmailBackend",
        ANYMAIL={"SENDGRID_API_KEY": API_KEY, "SENDGRID_API_URL": f"{url}/v3/", "SENDGRID_GENERATE_MESSAGE_ID": False},
    )
    django.setup()
    send = {"merge": merged, "single": single}[form]
    connection, seconds, count = get_connection(), 0.0, 0
    connection.open()
    rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    for first in range(0, len(rows), A_CALL):
        batch = rows[first : first + A_CALL]
        started = time.perf_counter()
        send(batch, connection)
        seconds += time.perf_counter() - started
        count += len(batch)
    connection.close()
    print(json.dumps({"messages": count, "seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
