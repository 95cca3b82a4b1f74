"""The command line of the exchange."""
