"""The post-mortem as one page that needs nothing else: no network, no server, no second file."""
