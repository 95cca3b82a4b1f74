"""Postgres, Kafka and files as the ledger uses them."""
