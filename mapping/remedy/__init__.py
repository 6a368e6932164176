"""Finds the smallest change that makes a network fit when its mapping failed."""
