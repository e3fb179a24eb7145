"""Probabilistic matching: which contacts are probably one person, by names, birth date, city, phone and address.

Fellegi and Sunter's model ("A theory for record linkage", 1969) as splink computes it, in a database of its own in
memory: Arrow tables in, Arrow tables out, the warehouse's file stays closed.
"""
