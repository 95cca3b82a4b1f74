"""What the notifier answers to the operator."""
