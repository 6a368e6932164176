"""Markup, style and number formatting that all pages share."""
