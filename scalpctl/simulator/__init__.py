"""The embedded exchange: market worlds, matching, accounts, faults; in process or served."""
