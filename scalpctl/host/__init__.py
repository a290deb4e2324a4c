"""What the machine gives: its clocks, ids, private files and processes."""
