"""Checking and replaying the ledger from what is stored."""
