"""The three processes of the exchange."""
