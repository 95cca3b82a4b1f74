"""Tests of the exchange, from single rules to the real processes."""
