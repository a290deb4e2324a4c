"""The embedded exchange: markets, matching, accounts and books of its own, in process or served."""
