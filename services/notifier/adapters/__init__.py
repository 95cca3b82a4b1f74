"""Postgres, Kafka and HTTP as the notifier uses them."""
