"""Proves a ledger: its chain, its anchors, its tables against its journal, its money, its mirrors."""
