"""The agent's HTTP API: its views, what they accept and what they answer."""
