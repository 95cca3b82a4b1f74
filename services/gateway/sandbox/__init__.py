"""What a sandbox adds to a gateway: signatures explained, faults and time on demand, and no real number taken.

Nothing here is reachable, or even joined to the application, unless GATEWAY_SANDBOX_CLOCK_FILE is set; with
GATEWAY_PRODUCTION the gateway then refuses to start.
"""
