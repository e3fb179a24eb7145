"""Journeys: their files as tables for SQL, what is wrong with them, and how far people have come."""
