"""The vocabulary spoken with an exchange, free of its spelling: what we ask, what it answers, what it reports."""
