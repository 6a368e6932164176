"""Computes the numbers of a report; draws nothing."""
