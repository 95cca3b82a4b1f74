"""The parts that run the exchange on one machine."""
