"""The machine that turns events into records and effects, and its runners."""
