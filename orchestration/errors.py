"""Errors that a person can act on: each message names the thing and the remedy."""

from __future__ import annotations

import errno


class SincerelyError(Exception):
    """The base of what we raise on purpose; the command line prints it as one line."""


class SettingsError(SincerelyError):
    """A setting is missing or has a value that cannot be used."""


class LandingError(SincerelyError):
    """A file of the landing zone cannot be landed."""


class ConnectorError(SincerelyError):
    """A database or an API cannot be read."""


class LockedError(SincerelyError):
    """Another process holds what this one needs."""


class StorageError(SincerelyError):
    """The home cannot be written, or is full."""


class DeliveryError(SincerelyError):
    """A message or a batch cannot be handed over."""


class ModelStoreError(SincerelyError):
    """A stored model cannot be read, or cannot be put in use."""


_STORAGE_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space or point SINCERELY_HOME at another disk, then run again",
    errno.EDQUOT: "the disk quota is used up; free some space, then run again",
    errno.EROFS: "the file system is read-only; point SINCERELY_HOME at a folder that can be written",
    errno.EACCES: "permission is denied; own the folder, or point SINCERELY_HOME at one that you can write",
    errno.EPERM: "permission is denied; own the folder, or point SINCERELY_HOME at one that you can write",
    errno.ENOTDIR: "a part of this path is a file, not a folder; point SINCERELY_HOME at a folder",
}


def storage_error(error: OSError, path: object) -> StorageError:
    """Says in one line what is wrong with `path` and what to do about it."""
    remedy = _STORAGE_REMEDIES.get(error.errno or 0, f"{error.strerror or error}; check the disk, then run again")
    return StorageError(f"Cannot write {path}: {remedy}.")


def is_disk_full(text: str) -> bool:
    """Whether another library's words say that the disk is full."""
    return any(words in text for words in ("No space left on device", "disk I/O error", "disk is full"))


def plain_message(error: BaseException) -> str:
    """One line for a person, for any error: ours as they are, the rest with where they came from."""
    if isinstance(error, SincerelyError):
        return str(error)
    if isinstance(error, OSError) and error.errno in _STORAGE_REMEDIES:
        return str(storage_error(error, error.filename or "the home"))
    first_line = next(iter(str(error).splitlines()), "")
    if is_disk_full(str(error)):
        return str(storage_error(OSError(errno.ENOSPC, ""), "the home"))
    return f"{type(error).__name__}: {first_line}"
