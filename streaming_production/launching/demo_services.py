"""The demo's services as command lines, and the questions that tell whether each is up."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from streaming_production.generating.agent_client import AgentAwayError, AgentClient
from streaming_production.launching.child_process import ROOT, Child
from streaming_production.launching.ports import HOST

DEFAULT_FOLDER = ROOT / "results" / "demo"
FAST = 0.5  # seconds a day: the demo's 20 days in 10 seconds
USUAL_SPEED = 2.0


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line asks for."""

    ports: Mapping[str, int]  # by service; without a supplier there is none for it
    folder: Path  # of the store, the spool and the logs
    store: str | None  # a database of the user's own; None: a fresh one in the folder
    keep: bool  # go on with what the last demo left in the folder
    days: int
    speed: float  # seconds a day
    scenario: str
    seed: int
    items: int
    profile: str
    leave: bool  # end after the stream, without waiting for Ctrl-C
    open_page: bool

    def url(self, service: str) -> str:
        """Return a service's address."""
        return f"http://{HOST}:{self.ports[service]}"


def prepare_folder(options: DemoOptions) -> None:
    """Make the folder, and remove what the last demo left in it unless that is to be kept."""
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.keep:
        return
    shutil.rmtree(options.folder / "spool", ignore_errors=True)
    for left in [*options.folder.glob("live.db*"), *options.folder.glob("*.log")]:
        left.unlink()


def start_services(options: DemoOptions) -> list[Child]:
    """Start supplier, agent and dashboard, all at once: each takes seconds to load."""
    package = "streaming_production"
    port = {name: str(number) for name, number in options.ports.items()}
    store = options.store or str(options.folder / "live.db")
    agent = [
        *(f"{package}.services.agent_service", "--port", port["agent"], "--store", store),
        *("--profile", options.profile, "--items", str(options.items)),
        *("--seed", str(options.seed)),
    ]
    commands = {"agent": agent}
    if "supplier" in port:
        agent += ["--supplier-url", options.url("supplier")]
        commands["supplier"] = [f"{package}.supplier.mock_supplier", "--port", port["supplier"]]
    commands["dashboard"] = [
        *(f"{package}.services.dashboard_app", "--port", port["dashboard"]),
        *("--agent", options.url("agent")),
    ]
    return [
        Child(name, command, options.folder / f"{name}.log") for name, command in commands.items()
    ]


def start_generator(options: DemoOptions) -> Child:
    """Start the generator, which speaks on our own terminal."""
    return Child(
        "generator",
        [
            *("streaming_production.services.data_generator", "--agent", options.url("agent")),
            *("--days", str(options.days), "--speed", str(options.speed)),
            *("--scenario", options.scenario, "--seed", str(options.seed)),
            *("--spool", str(options.folder / "spool")),
        ],
        None,
    )


def why_not_up(service: str, url: str, token: str | None) -> str:
    """Return why a service is not ready for work; empty if it is."""
    question = {"agent": "/readyz", "dashboard": "/api/health", "supplier": "/orders"}[service]
    with AgentClient(url, token) as client:
        try:
            client.get(question)
        except AgentAwayError as problem:
            return str(problem)
    return ""
