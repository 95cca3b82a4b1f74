"""Measurements, each beside something a reader can run too."""
