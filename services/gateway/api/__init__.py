"""HTTP in: bytes to requests, outcomes to signed answers."""
