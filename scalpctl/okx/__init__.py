"""The OKX v5 adapter: wire types, signing, REST, streams, rate limits."""
