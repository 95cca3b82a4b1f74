"""What an agency needs to sign, send, retry, keep the proof, and take what the exchange pushes.

Agencies install it by itself, as ``exchange_client``: see README.md beside this file.
"""

from client.answer import Answer, verify_receipt
from client.blocking_client import BlockingExchangeClient
from client.errors import NotReached, Problem, Refused, Unproven
from client.exchange_client import ExchangeClient
from client.exchange_keys import ExchangeKeys, parse_keys
from client.pushes import Push, PushAnswer, PushReceiver
from client.retrying import Retrying
from shared.errors import ExchangeError, IntegrityFailure, InvalidInput
from shared.signatures.keys import Algorithm, PublicKey, SigningKey, generate_signing_key, load_signing_key
from shared.signatures.keys import public_key_from_jwk as load_public_key

__all__ = [
    "Algorithm",
    "Answer",
    "BlockingExchangeClient",
    "ExchangeClient",
    "ExchangeError",
    "ExchangeKeys",
    "IntegrityFailure",
    "InvalidInput",
    "NotReached",
    "Problem",
    "PublicKey",
    "Push",
    "PushAnswer",
    "PushReceiver",
    "Refused",
    "Retrying",
    "SigningKey",
    "Unproven",
    "generate_signing_key",
    "load_public_key",
    "load_signing_key",
    "parse_keys",
    "verify_receipt",
]
