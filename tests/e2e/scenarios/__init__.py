"""Cases that the exchange must get right, each end to end: who is told, how fast, on what basis, with what advice."""
