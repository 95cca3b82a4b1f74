"""What runs the exchange on one machine."""
