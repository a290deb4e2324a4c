"""What must be true before an entry: each gate a named verdict with its numbers."""
