"""Runs an experiment at one of the four depths and saves its report."""
