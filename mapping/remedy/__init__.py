"""Finds a small change that makes a network fit after its mapping has failed."""
