"""The Protocols the engine and the analyses need, and nothing else."""
