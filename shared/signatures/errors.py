"""What can be wrong with a signature or a digest, each with its own code and what to do about it."""

from shared.errors import InvalidInput, NotPermitted


class DigestMissing(InvalidInput):
    """There is no Content-Digest of a kind that is known here."""

    code = "digest-missing"


class DigestMismatch(InvalidInput):
    """The body is not the one that the Content-Digest was made of."""

    code = "digest-mismatch"


class SignatureMissing(NotPermitted):
    """The message is not signed."""

    code = "signature-missing"


class SignatureMalformed(NotPermitted):
    """The signature's headers cannot be read."""

    code = "signature-malformed"


class SignatureInvalid(NotPermitted):
    """The signature was not made by that key over this message."""

    code = "signature-invalid"


class SignatureStale(NotPermitted):
    """The signature is too old, has expired, or is from the future."""

    code = "signature-stale"


class ComponentUncovered(NotPermitted):
    """The signature leaves out a part of the message that it must cover."""

    code = "signature-component-uncovered"


class SignatureTagWrong(NotPermitted):
    """The signature was made for another purpose."""

    code = "signature-tag"


class SignatureAlgorithmWrong(NotPermitted):
    """The signature names another algorithm than its key is registered for."""

    code = "signature-algorithm"
