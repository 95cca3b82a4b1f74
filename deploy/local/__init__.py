"""One machine: embedded PostgreSQL, a broker, and a supervisor for the processes beside them."""
