"""drt's DuckDB source and SendGrid destination, in an environment of its own: `with_drt.py URL WAREHOUSE`.

It renders a subject and a body of plain text for each row, and calls once for each. Prints messages and seconds as
JSON.
"""

import json
import sys
import time

from drt.config.credentials import DuckDBProfile
from drt.config.models import BearerAuth, RateLimitConfig, SendGridDestinationConfig, SyncOptions
from drt.destinations import sendgrid
from drt.sources.duckdb import DuckDBSource

API_KEY = "SG.key-for-tests-only"


def main(url, warehouse):
    """Sends a message for each row of the table `messages`."""
    sendgrid._SENDGRID_API_URL = f"{url}/v3/mail/send"
    destination = SendGridDestinationConfig(
        type="sendgrid",
        from_email="hello@news.example.com",
        subject_template="{{ row.subject }}",
        body_template="{{ row.text }}",
        auth=BearerAuth(type="bearer", token=API_KEY),
    )
    options = SyncOptions(rate_limit=RateLimitConfig(requests_per_second=0))
    profile = DuckDBProfile(type="duckdb", database=warehouse)
    started = time.perf_counter()
    rows = list(DuckDBSource().extract("select email, subject, text from messages", profile))
    done = sendgrid.SendGridDestination().load(rows, destination, options)
    seconds = time.perf_counter() - started
    assert done.success == len(rows), done
    print(json.dumps({"messages": done.success, "seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
