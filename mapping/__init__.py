"""Maps a network onto a machine: cuts it into cores, places and routes it, makes keys and tables, and verifies."""
