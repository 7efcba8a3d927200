"""The one version number of the SDK, the server and the UI. A literal: reading package metadata would cost 10 ms."""

__version__ = "0.1.0"
