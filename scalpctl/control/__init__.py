"""The local socket through which other terminals talk to a running engine."""
