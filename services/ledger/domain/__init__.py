"""The ledger's rules as pure functions: who may append what, sealing, sequencing, receipts."""
