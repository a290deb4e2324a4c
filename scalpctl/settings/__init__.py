"""The configuration: its model, where it comes from, and secrets."""
