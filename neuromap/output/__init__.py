"""Output folders and files: locks, names, and the spikes file."""
