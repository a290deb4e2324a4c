"""Typer commands: parse, wire, one call, render, exit code."""
