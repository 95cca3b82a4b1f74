"""What makes a local exchange a sandbox: one clock file that all its services read, and its own port."""

from collections.abc import Mapping

from deploy.local.layout import Layout

SANDBOX_PORT = 8580


def sandbox_settings(layout: Layout) -> Mapping[str, str]:
    """Return the settings that a sandbox adds to every service's environment."""
    file = str(layout.home / "sandbox-clock")
    return {f"{service}_SANDBOX_CLOCK_FILE": file for service in ("GATEWAY", "LEDGER", "NOTIFIER")}
