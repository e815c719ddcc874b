"""Behind `demand_forecaster`: Prophet's pattern, the level, the observation law, the backtest."""
