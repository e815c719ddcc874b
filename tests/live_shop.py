"""A fake agent with the dashboard in front of it, for the tests of the dashboard."""

from functools import cached_property
from typing import Any

from flask.testing import FlaskClient

from streaming_production.dashboard.agent_client import AgentClient
from streaming_production.dashboard.relay import Relay
from streaming_production.service_settings import DashboardSettings
from streaming_production.services.dashboard_app import create_app
from tests.live_fake_agent import FakeAgent, RunningApp, RunningFake
from tests.live_server import wait_until

OPEN = {"port": 0, "api_token": None, "read_token": None, "rate_limit": 0}


class Shop:
    """A fake agent that runs, and a dashboard in front of it; settings are the dashboard's."""

    def __init__(
        self, items: int = 40, waiting: int = 10, hostile: bool = True, **settings: Any
    ) -> None:
        self.fake = RunningFake(FakeAgent(items, waiting, hostile))
        self.agent = self.fake.agent
        self.agent.token = settings.get("api_token", "")
        for name in list(self.agent.items)[:30]:
            self.agent.sell(name, 1)
        self.client = AgentClient(self.fake.url, self.agent.token)
        self.relay = Relay(self.client)
        self.app = create_app(self.client, DashboardSettings(**OPEN | settings), self.relay)

    def browser(self) -> FlaskClient:
        """Return a client with cookies of its own."""
        return self.app.test_client()

    @cached_property
    def served(self) -> RunningApp:
        """Serve the dashboard, with its relay."""
        self.relay.start()
        wait_until(lambda: self.relay.last_contact is not None)
        return RunningApp(lambda _: self.app, threads=60)

    def close(self) -> None:
        """End everything."""
        self.relay.stop()
        if "served" in vars(self):
            self.served.stop()
        self.client.close()
        self.fake.stop()
