"""What the agent service and the dashboard share of HTTP."""
