"""What the notifier decides: moves, turns, waits, what a notification says. Pure."""
