"""The ledger: tables, the single writer, readers, hash chain, backup."""
