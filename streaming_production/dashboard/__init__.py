"""The dashboard: pages for the planner, fed by the agent's API and by one stream of its changes."""
