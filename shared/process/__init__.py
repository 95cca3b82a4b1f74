"""What every process needs to live: settings, logs, listeners, an end."""
