"""What the engine heard, stored so that a session can be replayed."""
