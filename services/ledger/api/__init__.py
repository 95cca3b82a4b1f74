"""What the ledger answers at its doors."""
