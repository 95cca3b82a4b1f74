"""What Schemathesis loads before it runs: it signs every request from then on."""

from tests.machinery.signed_requests import sign_with_key_of_the_environment

sign_with_key_of_the_environment()
