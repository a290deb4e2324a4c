"""A scalping engine for OKX perpetual futures with a ledger that answers every question about money."""

__version__ = "0.1.0"
