"""The doors of a ledger: an address for each kind of caller, so that the way in says what may be asked."""

from services.ledger.domain.callers import AUDITOR, GATEWAY, NOTIFIER, OPERATOR
from shared.errors import InvalidInput
from shared.process.address import TlsAddress, TlsFiles, parse_address
from shared.process.serving import Door
from shared.process.settings import LedgerSettings


def doors(settings: LedgerSettings) -> list[Door]:
    """Return the ledger's doors. Raises InvalidInput when a TLS door lacks a certificate file."""
    authorities = {
        GATEWAY: (settings.gateway_door, settings.gateway_peer_authority_file),
        NOTIFIER: (settings.notifier_door, settings.notifier_peer_authority_file),
        OPERATOR: (settings.operator_door, settings.operator_peer_authority_file),
        AUDITOR: (settings.auditor_door, settings.auditor_peer_authority_file),
    }
    made = []
    for caller, (text, authority) in authorities.items():
        address = parse_address(text)
        tls = None
        if isinstance(address, TlsAddress):
            certificate, private_key = settings.tls_certificate_file, settings.tls_private_key_file
            if certificate is None or private_key is None or authority is None:
                raise InvalidInput(f"the {caller}'s tls:// door needs a certificate, its key, and the peer's authority")
            tls = TlsFiles(certificate, private_key, authority)
        made.append(Door(caller, address, tls))
    return made
