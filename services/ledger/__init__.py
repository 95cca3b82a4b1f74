"""Keeps the one append-only record, seals what it holds and proves it."""
