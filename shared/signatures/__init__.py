"""HTTP message signatures (RFC 9421), digests (RFC 9530) and Standard Webhooks: the exchange's one strict profile."""
