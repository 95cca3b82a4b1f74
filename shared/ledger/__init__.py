"""How the other processes speak with the ledger: the messages, the client, and the registry they rebuild from it."""
