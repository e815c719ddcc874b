"""The textbook's replenishment rules, told the same forecast paths as the agent."""
