"""The store's parts; outside this folder only `streaming_production.store` is used."""
