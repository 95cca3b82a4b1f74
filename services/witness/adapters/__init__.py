"""Where the witness keeps what it must not forget."""
