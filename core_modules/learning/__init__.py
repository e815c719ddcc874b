"""Behind the agent's beliefs: what it learns from stockouts, events, signals and receipts."""
