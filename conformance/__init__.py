"""Numbered MUSTs for whoever runs an exchange and whoever writes a client of it, and the examination of both."""
