"""Forecasts of more items than a machine holds: in by pieces, out to Parquet, here or on Dask."""
