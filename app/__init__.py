"""The web service: HTTP in front of the store and the checkpoints. It trains nothing itself."""
