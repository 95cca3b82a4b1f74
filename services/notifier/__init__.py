"""Carries obligations out until a person owns each of them."""
