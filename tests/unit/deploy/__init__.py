"""What runs the exchange."""
