"""Accepts signed decisions over HTTP, judges and routes them, and answers with a receipt."""
