"""The version that the services tell."""

VERSION = "0.1.0"
