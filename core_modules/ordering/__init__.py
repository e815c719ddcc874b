"""The agent's order arithmetic: paths of demand, stock and costs -> the best quantity."""
