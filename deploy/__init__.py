"""How the exchange is set up on machines."""
