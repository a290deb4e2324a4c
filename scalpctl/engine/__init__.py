"""The machine that trades: events in, records and effects out; and the runners around it."""
