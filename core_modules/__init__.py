"""Forecasting, simulation and decisions of the inventory manager, without any service around."""
