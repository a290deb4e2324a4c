"""Incremental indicators with explicit warm-up and serialisable state; estimates in floats, never money."""
