"""Errors of the models; each message names the thing and the remedy."""

from __future__ import annotations


class ModelError(Exception):
    """The base of what the models raise on purpose."""


class FeatureError(ModelError):
    """A table lacks a column that the model needs."""


class ModelFileError(ModelError):
    """A stored model cannot be read, or must not be."""
