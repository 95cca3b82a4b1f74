"""Public formats for proofs: RFC 6962 trees, C2SP notes, checkpoints, tiles and tlog-proof receipts."""
