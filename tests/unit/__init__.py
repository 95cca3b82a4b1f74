"""Rules on their own: no process, no network, no database."""
