"""What the embedded PostgreSQL server is told: who may reach it, what must be durable, what its log may hold."""

# Nothing listens on TCP, so the number only names the socket.
PORT = 5432

# Given on the command line, where they outrank every file: no ALTER SYSTEM can weaken them.
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # No statement, parameter or row may reach the log: any of them can hold what is known about a child.
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}

SETTINGS_FOR_MILLIONS = {**SETTINGS, "shared_buffers": "3GB", "max_wal_size": "16GB", "checkpoint_timeout": "30min"}
"""The same for a log of millions, whose indexes no longer stand in 256 MB: docs/operations.md gives the reasons."""
