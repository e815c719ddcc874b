"""Ports for the demo's services: as asked for, or any that is free."""

import socket
from contextlib import ExitStack

HOST = "127.0.0.1"


class PortTakenError(Exception):
    """Another program listens on a port; one line says which, and how to choose another."""


def usable_ports(wanted: dict[str, int]) -> dict[str, int]:
    """Return a port for each service by name; 0 asks for a free one.

    All are held open until the last is found, so that no two get the same. Raises PortTakenError.
    """
    with ExitStack() as held:
        return {service: _usable(held, service, port) for service, port in wanted.items()}


def _usable(held: ExitStack, service: str, port: int) -> int:
    probe = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    # As the servers do it: a port that is only cooling down after its last server is free.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((HOST, port))
        probe.listen(1)
    except OSError as error:
        raise PortTakenError(
            f"port {port} for the {service} cannot be had ({error.strerror}): choose another with "
            f"--{service}-port N, or a free one with --{service}-port 0"
        ) from None
    return int(probe.getsockname()[1])
