"""Fills chips with slices in a given order; every placer ends here."""
