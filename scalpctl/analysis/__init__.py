"""Read-only use cases over the ledger. They return values and print nothing."""
