"""The post-mortem: what a session earned, why, and what the exits left behind; figures with their rows."""
