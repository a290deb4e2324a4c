"""What things mean: money, instruments, orders, positions, rules. No I/O, no clock, no randomness."""
