"""What may start a position: scale-free strengths in [0, 1] from closed candles."""
