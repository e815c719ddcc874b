"""The data generator: what a market does day by day, and how its events reach the agent."""
