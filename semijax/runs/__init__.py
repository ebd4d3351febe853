"""Runs that can be trusted: one writer to a directory, checkpoints, a stop that loses nothing, and a hash for every file."""
