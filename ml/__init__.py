"""Models: Arrow tables in, Arrow tables and fitted models out; no connection is opened here."""
