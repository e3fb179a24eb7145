"""What was decided for a batch's messages as it is kept: compressed together, for they have most of it in common.

Four bytes of size, and a JSON object of message ids and decisions, compressed by zstd.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping

import orjson
import pyarrow as pa
import sqlalchemy as sa

from orchestration.delivery.outbox_tables import DECISIONS
from orchestration.errors import DeliveryError

_SIZE = struct.Struct("<I")


def pack(decisions: Mapping[str, str]) -> bytes:
    """The decisions by message id, as they are kept."""
    whole = orjson.dumps(decisions)
    return _SIZE.pack(len(whole)) + pa.Codec("zstd", compression_level=1).compress(whole, asbytes=True)


def unpack(data: bytes) -> dict[str, str]:
    """Decisions by message id."""
    (size,) = _SIZE.unpack_from(data)
    found: dict[str, str] = orjson.loads(
        pa.Codec("zstd").decompress(memoryview(data)[_SIZE.size :], size, asbytes=True)
    )
    return found


def read(connection: sa.Connection, batch_ids: Collection[str]) -> dict[str, str]:
    """The decisions of all messages of the batches, by message id. DeliveryError for those that are damaged."""
    found: dict[str, str] = {}
    for row in connection.execute(sa.select(DECISIONS).where(DECISIONS.c.batch_id.in_(batch_ids))):
        try:
            found |= unpack(row.decisions)
        except (ValueError, OSError, struct.error) as error:
            raise DeliveryError(
                f"What was decided for batch {row.batch_id} of the outbox cannot be read ({type(error).__name__}); "
                "restore the outbox from a backup."
            ) from error
    return found
