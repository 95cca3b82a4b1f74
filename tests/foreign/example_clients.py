"""The examples for integrators in other languages, as commands. All are called alike and say the same."""

from collections.abc import Mapping
from pathlib import Path

_EXAMPLES = Path(__file__).parents[2] / "examples"

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "bash and openssl": ("bash", str(_EXAMPLES / "bash" / "share.sh")),
    "Node": ("node", str(_EXAMPLES / "node" / "share.mjs")),
    "Node with http-message-signatures": ("node", str(_EXAMPLES / "node" / "share_with_http_message_signatures.mjs")),
    "Node with http-message-sig": ("node", str(_EXAMPLES / "node" / "share_with_http_message_sig.mjs")),
    "Java": ("java", str(_EXAMPLES / "java" / "Share.java")),
}
KNOWS_ECDSA = frozenset(COMMANDS) - {"bash and openssl"}
