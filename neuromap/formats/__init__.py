"""Reads networks from the files of other tools, and writes results as files that other tools read.

Each format is one file and needs one optional dependency, which is imported only when the format is used.
"""
