"""The command line: the launcher of the service, a client of its HTTP API, and training without a server."""
